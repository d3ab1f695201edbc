#include <fmt/format.h>
#include <linux/if.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/announce.hpp"
#include "net/l3/address_lending.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/lock.hpp"
#include "net/ledger/pin.hpp"
#include "net/left_to_kernel.hpp"
#include "net/lending.hpp"
#include "net/locate.hpp"
#include "net/move_device.hpp"
#include "net/onlookers.hpp"
#include "net/return_ledger.hpp"
#include "net/snapshot/passed_time.hpp"
#include "net/snapshot/restore.hpp"
#include "net/snapshot/upper.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
// Less than a hook has by default: it is to say who was in its way.
constexpr int kLockTimeoutMs = 15'000;
// The kernel picks the number: the name that a device gets whose own is taken at home.
constexpr const char* kFallbackName = "netlend%d";
// Who answers to a device that comes does so at once, or when udev is done with it.
constexpr int kQuietMs = 100;
constexpr int kOnlookersTimeoutMs = 1500;
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
  };

  void call(Site& site, const Message& message) {
    if (context_.on_step) context_.on_step(message.doing());
    site.socket.call(message);
  }
  void report(const Failures& failures) {
    failures_.insert(failures_.end(), failures.begin(), failures.end());
  }
  void report(std::string what) { failures_.push_back({std::move(what)}); }
  bool remove_pair(const MadePair& pair);
  bool is_removed(const MadePair& pair);
  bool report_missing(const Loan& loan);
  LinkState to_home(const Loan& loan, Location from);
  Location to_staging(const Loan& loan, const Location& from);
  void prepare(const Loan& loan, Location& at);
  bool needs_staging(const Loan& loan, const Location& from);
  void remove_altnames(const Location& from);
  LinkState hop_home(const Loan& loan, const Location& from);
  void announce_home(IfIndex ifindex, const std::string& name);
  void give_up_lost_programs(Loan& loan, const LinkState& link);
  void restore(Arrival& arrival);
  void have_the_last_word();
  bool restore_what_changed();
  bool conclude(const Arrival& arrival);
  bool verify(const Loan& loan, IfIndex ifindex);
  void remove_marks(IfIndex ifindex);
  void note_losses(const Loan& loan, IfIndex ifindex);
  void note_removals(const Loan& loan, IfIndex ifindex);

  const LendingContext& context_;
  Ledger& ledger_;
  Leftover leftover_;
  Failures& failures_;
  LoanSites sites_;
  std::vector<Arrival> arrivals_;
};

bool Returning::bring_home(Loan& loan) {
  if (loan.pair) return remove_pair(*loan.pair);
  let_time_pass(*loan.home, monotonic_ms() / kMsPerSecond,
                secondaries_at_home(sites_.home(), *loan.home));
  auto location = sites_.locate(loan);
  if (!location) return report_missing(loan);
  const std::string name = printable(loan.home_name());
  if (leftover_ == Leftover::forget && location->where == Whereabouts::home) {
    remove_marks(location->link.ifindex);
    report(fmt::format("device '{}' is home and stays as it is now", name));
    return true;
  }
  const LinkState link =
      location->where == Whereabouts::home ? location->link : to_home(loan, *std::move(location));
  give_up_lost_programs(loan, link);
  pass(context_, Step::restore_device);
  Arrival arrival{.loan = loan, .ifindex = link.ifindex, .unrestored = {}};
  restore(arrival);
  announce_home(link.ifindex, name);
  arrivals_.push_back(std::move(arrival));
  return true;
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
  arrival.unrestored =
      restore_device(sites_.home(), arrival.ifindex, *arrival.loan.home, context_.on_step);
}

bool Returning::conclude() {
  attempt(failures_, [&] { have_the_last_word(); });
  bool all_as_they_were = true;
  for (const auto& loan : ledger_.loans) {
    if (loan.pair && !is_removed(*loan.pair)) all_as_they_were = false;
  }
  for (const auto& arrival : arrivals_) {
    bool is_as_it_was = false;
    const bool ran = attempt(failures_, [&] { is_as_it_was = conclude(arrival); });
    all_as_they_were = all_as_they_were && ran && is_as_it_was;
  }
  return all_as_they_were;
}

/// Whatever those at home make of a device that comes to them is undone while they are at it.
void Returning::have_the_last_word() {
  Onlookers others(sites_.home().netns);
  if (!others.are_there() || arrivals_.empty()) return;
  std::set<int> ifindexes;
  for (const auto& arrival : arrivals_) ifindexes.insert(arrival.ifindex.value);
  const std::int64_t deadline = monotonic_ms() + kOnlookersTimeoutMs;
  for (std::int64_t left_ms = kOnlookersTimeoutMs; left_ms > 0;
       left_ms = deadline - monotonic_ms()) {
    Onlookers::wait_for_udev(static_cast<int>(left_ms));
    others.forget();
    if (!restore_what_changed() && others.stay_away(ifindexes, kQuietMs)) return;
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
  if (is_as_it_was) note_losses(loan, arrival.ifindex);
  return is_as_it_was;
}

void Returning::note_losses(const Loan& loan, IfIndex ifindex) {
  if (!context_.on_note) return;
  if (ifindex != loan.home->link.ifindex) {
    context_.on_note(fmt::format(
        "device '{}' is home as number {}, and was {}: what names it by number (nftables by 'iif' "
        "and 'oif', sockets that are bound to it) doesn't mean it any more",
        printable(loan.home_name()), ifindex.value, loan.home->link.ifindex.value));
  }
  note_removals(loan, ifindex);
  const auto& losses = loan.home->announced_losses;
  if (losses.empty()) return;
  context_.on_note(fmt::format("device '{}' is home; not restored, as said beforehand: {}",
                               printable(loan.home_name()), fmt::join(losses, "; ")));
}

/// What hung on the device at home was home's to remove.
void Returning::note_removals(const Loan& loan, IfIndex ifindex) {
  Site& home = sites_.home();
  const auto removed = removed_at_home(home, read_link(home.socket, ifindex), loan.home->relations);
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
    return true;
  }
  if (ended_with_namespace(ledger_, loan)) {
    report(
        fmt::format("{} ended with that container's network namespace; its loan is closed", what));
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

bool Returning::remove_pair(const MadePair& pair) {
  // Its other end goes with it, wherever the borrower has put that.
  if (const auto link = find_pair(sites_.home(), pair)) {
    call(sites_.home(),
         delete_link(link->ifindex, fmt::format("remove the pair '{}'", pair.host_name)));
  }
  return true;
}

/// Said by a second look, as with a device that came home.
bool Returning::is_removed(const MadePair& pair) {
  if (!find_pair(sites_.home(), pair)) return true;
  report(fmt::format("the pair '{}' is still there: 'netlend reap' tries again", pair.host_name));
  return false;
}

/// Makes it what it was at home as far as that can be done before it is seen there.
void Returning::prepare(const Loan& loan, Location& at) {
  const std::string& name = loan.home_name();
  Failures ignored;  // Whatever is left is put right and reported at home.
  attempt(ignored, [&] {
    call(*at.site, set_link_flags(at.link.ifindex, 0, IFF_UP, fmt::format("take down '{}'", name)));
  });
  static_cast<void>(strip_foreign_altnames(*at.site, at.link, *loan.home));
  if (const auto& wireless = loan.home->relations.wireless) {
    attempt(ignored, [&] {
      remove_foreign_interfaces(*at.site, *wireless, at.link.ifindex, context_.on_step);
    });
  }
  attempt(ignored, [&] {
    // They would stay behind, and what stands on a device sees its frames wherever that is.
    for (const auto& upper : list_uppers(*at.site, at.link)) {
      call(*at.site, delete_link(upper.ifindex, fmt::format("remove what stands on '{}'", name)));
    }
  });
  if (at.link.address != loan.home->link.address) {
    attempt(ignored, [&] {
      call(*at.site, set_link_address(at.link.ifindex, loan.home->link.address,
                                      fmt::format("restore the MAC address of '{}'", name)));
    });
  }
  if (at.link.mtu_bytes != loan.home->link.mtu_bytes) {
    attempt(ignored, [&] {
      call(*at.site, set_link_mtu(at.link.ifindex, loan.home->link.mtu_bytes,
                                  fmt::format("restore the MTU of '{}'", name)));
    });
  }
}

bool Returning::needs_staging(const Loan& loan, const Location& from) {
  if (from.where == Whereabouts::staging || !ledger_.pin) return false;
  if (from.where == Whereabouts::borrower && borrower_liveness(ledger_) != Liveness::dead) {
    return true;  // Its root could rename the device between two messages of ours.
  }
  if (from.where == Whereabouts::elsewhere) return true;  // Nor is it known who lives there.
  const auto taken = find_link(from.site->socket, loan.home_name());
  return taken && taken->ifindex != from.link.ifindex;
}

/// Under a name of its own and the index that it had at home, by which it is found there whatever
/// its borrower took off it, into a namespace that nobody else can enter.
Location Returning::to_staging(const Loan& loan, const Location& from) {
  pass(context_, Step::make_staging);
  Site& staging = sites_.staging(context_.state, ledger_);
  pass(context_, Step::move_to_staging);
  move_device(context_, {*from.site, from.link, *loan.home},
              {.netns_fd = staging.netns.fd(),
               .ifindex = loan.home->link.ifindex,
               .fallback_name = kFallbackName},
              fmt::format("move device '{}' into staging", loan.home_name()));
  auto location = sites_.locate(loan);
  if (!location || location->where != Whereabouts::staging) {
    throw Error(fmt::format("move device '{}' into staging: it did not arrive", loan.home_name()));
  }
  return *std::move(location);
}

LinkState Returning::to_home(const Loan& loan, Location from) {
  prepare(loan, from);
  if (needs_staging(loan, from)) {
    // A full disk has no room for a staging namespace's pin: then it goes in one hop.
    Failures ignored;
    attempt(ignored, [&] {
      from = to_staging(loan, from);
      prepare(loan, from);
    });
  }
  if (from.link.name != loan.home_name()) {
    Failures ignored;  // Tried again at home.
    attempt(ignored, [&] {
      call(*from.site, rename_link(from.link.ifindex, loan.home_name(),
                                   fmt::format("restore the name '{}'", loan.home_name())));
    });
  }
  return hop_home(loan, from);
}

void Returning::remove_altnames(const Location& from) {
  for (const auto& altname : read_link(from.site->socket, from.link.ifindex).altnames) {
    if (is_mark(altname)) continue;
    call(*from.site, remove_altname(from.link.ifindex, altname,
                                    fmt::format("take off the altname '{}'", altname)));
  }
}

LinkState Returning::hop_home(const Loan& loan, const Location& from) {
  const std::string doing = fmt::format("move device '{}' home", loan.home_name());
  MoveTarget target{.netns_fd = sites_.home().netns.fd(),
                    .ifindex = loan.home->link.ifindex,
                    .fallback_name = {}};
  pass(context_, Step::move_home);
  // Each refusal leaves the device where it is; what is wished for beyond arriving is given up for
  // it, one wish at a time, and tried again or reported at home.
  for (bool has_altnames = true;;) {
    try {
      move_device(context_, {*from.site, from.link, *loan.home}, target, doing);
      break;
    } catch (const Error& error) {
      if (error.errno_value() == EBUSY && target.ifindex) {
        target.ifindex.reset();  // Somebody has its index.
      } else if (error.errno_value() == EEXIST && target.fallback_name.empty()) {
        target.fallback_name = kFallbackName;  // Somebody has its name ...
      } else if (error.errno_value() == EEXIST && has_altnames) {
        remove_altnames(from);  // ... or one of its altnames.
        has_altnames = false;
      } else {
        throw;
      }
    }
  }
  const auto location = sites_.locate(loan);
  if (!location || location->where != Whereabouts::home) {
    throw Error(doing + ": it did not arrive");
  }
  return location->link;
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
      call(sites_.home(), remove_altname(ifindex, altname, "remove the mark"));
    }
  }
}

std::vector<std::string> leases_of(const Ledger& ledger) {
  std::vector<std::string> leases;
  for (const auto& loan : ledger.loans) {
    if (!loan.lease.empty()) leases.push_back(loan.lease);
  }
  for (const auto& loan : ledger.address_loans) {
    for (const auto& lent : loan.addresses) {
      leases.push_back(address_lease(lent.home.address(), loan.ports, ledger.home));
    }
  }
  return leases;
}

void close(const LendingContext& context, const Ledger& ledger, Failures& failures) {
  if (ledger.pin) {
    pass(context, Step::unpin_staging);
    attempt(failures, [&] { remove_pin(context.state, pin_place(ledger, PinFolder::staging)); });
    pass(context, Step::unpin_borrower);
    attempt(failures, [&] { remove_pin(context.state, pin_place(ledger, PinFolder::pins)); });
  }
  pass(context, Step::close_ledger);
  if (!attempt(failures, [&] { close_ledger(context.state, ledger.name); })) return;
  // Last: while there is a ledger, nobody else may have the device. A lease without one is
  // nobody's.
  for (const auto& lease : leases_of(ledger)) {
    pass(context, Step::drop_lease);
    attempt(failures, [&] { drop_lease(context.state, lease, ledger.name); });
  }
}

bool bring_addresses_home(const LendingContext& context, Ledger& ledger, Failures& failures) {
  Site home = open_home(ledger);
  std::unique_ptr<Site> borrower;
  const auto& loans = ledger.address_loans;
  if (std::any_of(loans.begin(), loans.end(), [](const auto& loan) { return loan.upper; })) {
    attempt(failures, [&] { borrower = open_borrower(context.state, ledger); });
  }
  return give_back_addresses({.state = context.state,
                              .ledger = ledger,
                              .home = home,
                              .on_step = context.on_step,
                              .borrower = borrower.get()},
                             failures);
}

/// True when nothing of it is left to be brought home.
bool bring_all_home(const LendingContext& context, Ledger& ledger, Leftover leftover,
                    Failures& failures) {
  if (ledger.is_left_to_kernel && !await_kernel(context, ledger)) return false;
  for (auto& loan : ledger.loans) loan.stage = Stage::returning;
  for (auto& loan : ledger.address_loans) loan.stage = Stage::returning;
  Failures no_disk;  // The way home needs no disk: what is written here is only for people.
  pass(context, Step::write_returning);
  attempt(no_disk, [&] { save_ledger(context.state, ledger); });
  bool all_home = ledger.address_loans.empty();
  if (!all_home) {
    attempt(failures, [&] { all_home = bring_addresses_home(context, ledger, failures); });
  }
  if (ledger.loans.empty()) return all_home;
  Returning returning(context, ledger, leftover, failures);
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
}  // namespace

bool is_reapable(const Ledger& ledger) {
  return !ledger.is_ready() || borrower_liveness(ledger) == Liveness::dead;
}

Failures return_ledger(const LendingContext& context, Ledger& ledger, Leftover leftover) noexcept {
  Failures failures;
  bool all_home = false;
  attempt(failures, [&] { all_home = bring_all_home(context, ledger, leftover, failures); });
  if (all_home || leftover == Leftover::forget) {
    attempt(failures, [&] { close(context, ledger, failures); });
  }
  return failures;
}

Failures give_back(const LendingContext& context, const std::string& ledger_name,
                   Leftover leftover) noexcept {
  Failures failures;
  attempt(failures, [&] {
    // The lock of a closed ledger would be made anew.
    if (!is_open(context.state, ledger_name)) return;
    LedgerLock lock = LedgerLock::acquire(context.state, ledger_name, kLockTimeoutMs);
    auto ledger = load_ledger(context.state, ledger_name);
    if (ledger) failures = return_ledger(context, *ledger, leftover);
    if (!is_open(context.state, ledger_name)) lock.remove();
  });
  return failures;
}

}  // namespace netlend
