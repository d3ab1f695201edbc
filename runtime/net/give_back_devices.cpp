#include "net/give_back_devices.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/home_holders.hpp"
#include "net/kernel/announce.hpp"
#include "net/left_to_kernel.hpp"
#include "net/onlookers.hpp"
#include "net/other_loans.hpp"
#include "net/reading.hpp"
#include "net/snapshot/all_devices.hpp"
#include "net/snapshot/comparison.hpp"
#include "net/snapshot/mark.hpp"
#include "net/snapshot/passed_time.hpp"
#include "net/snapshot/restore.hpp"
#include "net/steps.hpp"
#include "net/way_home.hpp"

namespace netlend {

namespace {
// Who answers to a device that comes does so at once, or when udev is done with it. What udev
// itself takes isn't counted, up to a limit of its own: it can have all devices of a machine to
// deal with.
constexpr int kQuietMs = 100;
constexpr int kOnlookersTimeoutMs = 1500;
constexpr int kUdevTimeoutMs = 10000;
constexpr std::int64_t kMsPerSecond = 1000;

class Returning {
 public:
  Returning(const LendingContext& context, Ledger& ledger, Leftover leftover, Failures& failures)
      : context_(context),
        ledger_(ledger),
        leftover_(leftover),
        failures_(failures),
        sites_(context.state, ledger) {}

  /// Brings one loan home; true when it is there, to be concluded, or can't come any more.
  bool bring_home(Loan& loan);
  /// Verifies all that came; true when it is as it was.
  bool conclude();

 private:
  struct Arrival {
    Loan& loan;
    IfIndex ifindex;
    Failures unrestored;
    /// What was of other devices that are no longer there.
    std::vector<std::string> gone;
  };

  void report(const Failures& failures) {
    failures_.insert(failures_.end(), failures.begin(), failures.end());
  }
  void report(std::string what) { failures_.push_back({std::move(what)}); }
  bool remove_pair(const Loan& loan);
  bool is_removed(const Loan& loan);
  bool report_missing(const Loan& loan);
  bool is_home_ending();
  bool report_no_home(const Loan& loan);
  void announce_home(IfIndex ifindex, const std::string& name);
  void give_up_lost_programs(Loan& loan, const LinkState& link);
  void restore(Arrival& arrival);
  void restore_what_waited();
  void have_the_last_word();
  bool restore_what_changed();
  bool conclude(const Arrival& arrival);
  bool verify(const Loan& loan, IfIndex ifindex);
  void remove_marks(IfIndex ifindex);
  void note_losses(const Arrival& arrival);
  void note_removals(const Arrival& arrival);

  const LendingContext& context_;
  Ledger& ledger_;
  Leftover leftover_;
  Failures& failures_;
  LoanSites sites_;
  /// Asked once, and only for what is away.
  std::optional<bool> is_home_held_;
  std::vector<Arrival> arrivals_;
  /// The ids of loans whose devices can't come any more.
  std::set<std::string> closed_;
  /// By the ids of their loans; of a pair that wasn't there any more, nothing.
  std::map<std::string, std::optional<Location>> removed_pairs_;
};

bool Returning::bring_home(Loan& loan) {
  if (loan.pair) return remove_pair(loan);
  let_time_pass(*loan.home, monotonic_ms() / kMsPerSecond,
                secondaries_at_home(sites_.home(), *loan.home));
  follow_all_devices(sites_.home(), *loan.home);
  auto location = sites_.locate(loan);
  if (!location) return report_missing(loan);
  const std::string name = printable(loan.home_name());
  if (leftover_ == Leftover::forget && location->where == Whereabouts::home) {
    remove_marks(location->link.ifindex);
    report(fmt::format("device '{}' is home and stays as it is now", name));
    return true;
  }
  if (location->where != Whereabouts::home && is_home_ending()) return report_no_home(loan);
  const LinkState link = location->where == Whereabouts::home
                             ? location->link
                             : WayHome{context_, ledger_, sites_}.take(loan, *std::move(location));
  give_up_lost_programs(loan, link);
  pass(context_, Step::restore_device);
  Arrival arrival{.loan = loan, .ifindex = link.ifindex, .unrestored = {}, .gone = {}};
  restore(arrival);
  reading(loan, [&] { announce_home(link.ifindex, name); });
  arrivals_.push_back(std::move(arrival));
  return true;
}

bool Returning::is_home_ending() {
  if (!is_home_held_) is_home_held_ = is_home_held(context_.state, ledger_.home);
  return !*is_home_held_;
}

/// What is moved into a namespace that is about to end is destroyed, unless it is hardware.
bool Returning::report_no_home(const Loan& loan) {
  const std::string what =
      fmt::format("device '{}' (lent to '{}' as '{}')", printable(loan.home_name()),
                  ledger_.id.str(), printable(loan.inside));
  const std::string why = fmt::format(
      "its home, network namespace {}, was removed, and only netlend itself still holds that",
      ledger_.home.inode);
  if (leftover_ == Leftover::forget) {
    report(fmt::format("{} is given up where it is: {}", what, why));
    return false;
  }
  const auto& guardian = ledger_.guardian;
  const bool can_name = guardian && liveness(*guardian) == Liveness::alive;
  report(fmt::format(
      "{} stays where it is: {}; {}'netlend return --forget {}' gives it up", what, why,
      can_name ? fmt::format("'ip netns attach NAME {}' gives it a name again, ", guardian->pid)
               : "",
      printable(loan.home_name())));
  return false;
}

/// Whatever is tried: a loss that is certain doesn't keep the loan open.
void Returning::give_up_lost_programs(Loan& loan, const LinkState& link) {
  if (!loan.home->settings) return;
  attempt(failures_, [&] {
    for (const auto& lost : give_up_lost(sites_.home(), link, loan.home->settings->programs)) {
      report(fmt::format("device '{}' is home, but {}", printable(loan.home_name()), lost));
    }
  });
}

/// A firewall or a queue that lets nothing out is home's own, and the device is home all the same.
void Returning::announce_home(IfIndex ifindex, const std::string& name) {
  // As they are now: one whose duplicate address detection still runs can't be spoken from yet.
  RouteSocket& socket = sites_.home().socket;
  const auto unsaid =
      announce(sites_.home(), read_link(socket, ifindex), list_addresses(socket, ifindex));
  if (!context_.on_note) return;
  for (const auto& failure : unsaid) {
    context_.on_note(fmt::format("device '{}' is home, which its neighbours may learn later: {}",
                                 name, failure.what));
  }
}

void Returning::restore(Arrival& arrival) {
  attempt(failures_, [&] {
    auto gone = forget_routes_of_deleted(context_.state, sites_.home(), closed_, arrival.loan);
    std::move(gone.begin(), gone.end(), std::back_inserter(arrival.gone));
  });
  arrival.unrestored =
      restore_device(sites_.home(), arrival.ifindex, *arrival.loan.home, context_.on_step);
}

bool Returning::conclude() {
  restore_what_waited();
  attempt(failures_, [&] { have_the_last_word(); });
  bool all_as_they_were = true;
  for (const auto& loan : ledger_.loans) {
    if (loan.pair && !is_removed(loan)) all_as_they_were = false;
  }
  for (const auto& arrival : arrivals_) {
    bool is_as_it_was = false;
    const bool ran = attempt(failures_, [&] {
      is_as_it_was = reading(arrival.loan, [&] { return conclude(arrival); });
    });
    all_as_they_were = all_as_they_were && ran && is_as_it_was;
  }
  return all_as_they_were;
}

/// What one device of a plan points at can have come home after it, or can't come any more.
void Returning::restore_what_waited() {
  if (arrivals_.size() < 2 && closed_.empty()) return;
  for (auto& arrival : arrivals_) {
    if (!arrival.unrestored.empty()) restore(arrival);
  }
}

/// Whatever those at home make of a device that comes to them is undone while they are at it.
void Returning::have_the_last_word() {
  Onlookers others(sites_.home().netns);
  if (!others.are_there() || arrivals_.empty()) return;
  std::set<int> ifindexes;
  for (const auto& arrival : arrivals_) ifindexes.insert(arrival.ifindex.value);
  const std::int64_t udev_deadline = monotonic_ms() + kUdevTimeoutMs;
  std::int64_t left_ms = kOnlookersTimeoutMs;
  while (left_ms > 0) {
    Onlookers::wait_for_udev(static_cast<int>(udev_deadline - monotonic_ms()));
    const std::int64_t begin = monotonic_ms();
    others.forget();
    if (!restore_what_changed() && others.stay_away(ifindexes, kQuietMs)) return;
    left_ms -= monotonic_ms() - begin;
  }
}

bool Returning::restore_what_changed() {
  bool has_changed = false;
  for (auto& arrival : arrivals_) {
    attempt(arrival.unrestored, [&] {
      const DeviceSnapshot& home = *arrival.loan.home;
      const bool is_as_it_was = differences_now(sites_.home(), arrival.ifindex, home).empty();
      if (is_as_it_was && arrival.unrestored.empty()) return;
      has_changed = true;
      restore(arrival);
    });
  }
  return has_changed;
}

bool Returning::conclude(const Arrival& arrival) {
  report(arrival.unrestored);
  const Loan& loan = arrival.loan;
  const std::string name = printable(loan.home_name());
  const bool is_as_it_was = verify(loan, arrival.ifindex) && arrival.unrestored.empty();
  // The mark was to find it by; it goes last.
  if (is_as_it_was || leftover_ == Leftover::forget) {
    pass(context_, Step::unmark_device);
    remove_marks(arrival.ifindex);
  } else {
    report(
        fmt::format("device '{}' is home, but not as it was: 'netlend reap' tries again, "
                    "'netlend return --forget {}' leaves it as it is now",
                    name, name));
  }
  if (is_as_it_was) note_losses(arrival);
  return is_as_it_was;
}

void Returning::note_losses(const Arrival& arrival) {
  if (!context_.on_note) return;
  const Loan& loan = arrival.loan;
  const IfIndex ifindex = arrival.ifindex;
  if (ifindex != loan.home->link.ifindex) {
    context_.on_note(fmt::format(
        "device '{}' is home as number {}, and was {}: what names it by number (nftables by 'iif' "
        "and 'oif', sockets that are bound to it) doesn't mean it any more",
        printable(loan.home_name()), ifindex.value, loan.home->link.ifindex.value));
  }
  note_removals(arrival);
  const auto& losses = loan.home->announced_losses;
  if (losses.empty()) return;
  context_.on_note(fmt::format("device '{}' is home; not restored, as said beforehand: {}",
                               printable(loan.home_name()), fmt::join(losses, "; ")));
}

/// What hung on the device at home was home's to remove.
void Returning::note_removals(const Arrival& arrival) {
  Site& home = sites_.home();
  const Loan& loan = arrival.loan;
  Relations relations = loan.home->relations;
  relations.mirrors = mirrors_at_home(context_.state, ledger_.home, loan);
  auto removed = removed_at_home(home, read_link(home.socket, arrival.ifindex), relations);
  removed.insert(removed.end(), arrival.gone.begin(), arrival.gone.end());
  if (removed.empty()) return;
  context_.on_note(
      fmt::format("device '{}' is home; gone from here meanwhile, and not made again: {}",
                  printable(loan.home_name()), fmt::join(removed, "; ")));
}

/// True where nothing can be waited for.
bool Returning::report_missing(const Loan& loan) {
  const std::string what =
      fmt::format("device '{}' (lent to '{}' as '{}')", printable(loan.home_name()),
                  ledger_.id.str(), printable(loan.inside));
  if (sites_.is_deleted(loan)) {
    report(fmt::format("{} was deleted, its other end with it; its loan is closed", what));
    closed_.insert(loan.id);
    return true;
  }
  if (ended_with_namespace(ledger_, loan)) {
    report(
        fmt::format("{} ended with that container's network namespace; its loan is closed", what));
    closed_.insert(loan.id);
    return true;
  }
  if (leftover_ == Leftover::forget) {
    report(fmt::format("{} is given up: it is nowhere to be found", what));
  } else {
    report(fmt::format(
        "{} is neither at home nor in the borrower's namespace: it was deleted or moved on; "
        "'netlend reap' looks again, 'netlend return --forget {}' gives it up",
        what, printable(loan.home_name())));
  }
  return false;
}

bool Returning::remove_pair(const Loan& loan) {
  // Its other end goes with it, wherever that was put.
  auto end = sites_.locate_pair(loan);
  if (end) {
    call(context_, *end->site,
         delete_link(end->link.ifindex, fmt::format("remove the pair '{}'", loan.pair->host_name)));
  }
  removed_pairs_.emplace(loan.id, std::move(end));
  return true;
}

/// Said by a second look, as with a device that came home; to where it was, since what can't be
/// found is looked for among all devices.
bool Returning::is_removed(const Loan& loan) {
  const auto removed = removed_pairs_.find(loan.id);
  if (removed == removed_pairs_.end()) {
    if (!sites_.locate_pair(loan)) return true;
  } else {
    const auto& end = removed->second;
    const auto now = end ? find_link(end->site->socket, end->link.ifindex) : std::nullopt;
    if (!now || now->kind != end->link.kind || now->address != end->link.address) return true;
  }
  report(fmt::format("the pair '{}' is still there: 'netlend reap' tries again",
                     loan.pair->host_name));
  return false;
}

bool Returning::verify(const Loan& loan, IfIndex ifindex) {
  const auto found = differences_now(sites_.home(), ifindex, *loan.home);
  for (const auto& difference : found) {
    failures_.push_back(
        {fmt::format("device '{}' is home, but {}", printable(loan.home_name()), difference)});
  }
  return found.empty();
}

void Returning::remove_marks(IfIndex ifindex) {
  for (const auto& altname : read_link(sites_.home().socket, ifindex).altnames) {
    if (is_mark(altname)) {
      call(context_, sites_.home(), remove_altname(ifindex, altname, "remove the mark"));
    }
  }
}
}  // namespace

bool give_back_devices(const LendingContext& context, Ledger& ledger, Leftover leftover,
                       Failures& failures) {
  Returning returning(context, ledger, leftover, failures);
  bool all_home = true;
  // Pairs first: one may have been given a bridge's port number that a device had.
  for (const bool is_pair : {true, false}) {
    for (auto& loan : ledger.loans) {
      if (loan.pair.has_value() != is_pair) continue;
      bool is_home = false;
      const bool ran = attempt(failures, [&] { is_home = returning.bring_home(loan); });
      all_home = all_home && ran && is_home;
    }
  }
  return returning.conclude() && all_home;
}

}  // namespace netlend
