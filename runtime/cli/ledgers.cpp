#include "cli/ledgers.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "cli/target.hpp"
#include "lifecycle/bundle_loans.hpp"
#include "net/checks.hpp"
#include "net/ledger/lock.hpp"
#include "net/locate.hpp"
#include "net/plan/plan_rules.hpp"

namespace netlend::cli {

namespace {
constexpr const char* kNamedNetnsFolder = "/run/netns";

/// What a word of `netlend return` can be.
struct Meaning {
  std::function<bool(const Ledger&)> is_borrower;
  std::function<bool(const Loan&)> is_device;
  std::function<bool(const AddressLoan&)> is_address = [](const AddressLoan&) { return false; };
};

bool is_named(const Loan& loan, const std::string& name) {
  if (loan.inside == name || loan.home_name() == name) return true;
  if (!loan.home) return false;
  const auto& altnames = loan.home->link.altnames;
  return std::find(altnames.begin(), altnames.end(), name) != altnames.end();
}

Meaning meaning_of_target(const Target& target) {
  const auto* process = std::get_if<ProcessTarget>(&target);
  const auto* path = std::get_if<PathTarget>(&target);
  return {
      .is_borrower =
          [pid = process ? process->pid : 0, path = path ? path->path : ""](const auto& ledger) {
            return pid != 0 ? ledger.process && ledger.process->pid == pid
                            : ledger.netns_path == path;
          },
      .is_device = [](const Loan&) { return false; }};
}

Meaning meaning_of_device(const DeviceSelector& selector) {
  return {.is_borrower = [](const Ledger&) { return false; },
          .is_device =
              [selector](const Loan& loan) {
                return loan.home && is_meant(loan.home->link, selector);
              }};
}

Meaning meaning_of_address(const IpAddress& address) {
  return {.is_borrower = [](const Ledger&) { return false; },
          .is_device = [](const Loan&) { return false; },
          .is_address =
              [address](const AddressLoan& loan) {
                return std::any_of(
                    loan.addresses.begin(), loan.addresses.end(),
                    [&](const auto& lent) { return lent.home.address() == address; });
              }};
}

Meaning meaning_of(const std::string& word) {
  if (is_ip_address(word)) return meaning_of_address(IpAddress{word});
  if (word.starts_with("pid:") || word.starts_with("netns:")) {
    return meaning_of_target(parse_target(word));
  }
  if (word.find(':') != std::string::npos) {
    const auto source = parse_source(word);
    if (const auto* selector = std::get_if<DeviceSelector>(&source)) {
      return meaning_of_device(*selector);
    }
    throw Error::usage(fmt::format("'{}': a made pair is returned by its name", printable(word)));
  }
  return {
      .is_borrower =
          [word](const Ledger& ledger) { return ledger.id.str() == word || ledger.name == word; },
      .is_device = [word](const Loan& loan) { return is_named(loan, word); },
      .is_address = [word](const AddressLoan& loan) { return loan.inside == word; }};
}

std::string list_loans(const std::vector<const Ledger*>& ledgers) {
  // More than these nobody reads in one line.
  constexpr std::size_t kShownMax = 8;
  std::vector<std::string> loans;
  const auto add = [&](const Ledger& ledger, const std::string& what, const std::string& inside) {
    loans.push_back(
        fmt::format("'{}' to {} as '{}'", what, describe_borrower(ledger), printable(inside)));
  };
  for (const Ledger* ledger : ledgers) {
    for (const auto& loan : ledger->loans) add(*ledger, printable(loan.home_name()), loan.inside);
    for (const auto& loan : ledger->address_loans) add(*ledger, addresses_of(loan), loan.inside);
  }
  if (loans.empty()) return "nothing";
  const std::size_t more = loans.size() > kShownMax ? loans.size() - kShownMax : 0;
  loans.resize(loans.size() - more);
  std::string out = fmt::format("{}", fmt::join(loans, ", "));
  if (more != 0) out += fmt::format(" and {} more, which 'netlend loans' lists", more);
  return out;
}

template <typename Predicate>
std::vector<const Ledger*> matching(const std::vector<Ledger>& ledgers, Predicate is_match) {
  std::vector<const Ledger*> found;
  for (const auto& ledger : ledgers) {
    if (is_match(ledger)) found.push_back(&ledger);
  }
  return found;
}

bool have_one_borrower(const std::vector<const Ledger*>& ledgers) {
  return std::all_of(ledgers.begin(), ledgers.end(), [&](const Ledger* ledger) {
    return ledger->borrower == ledgers.front()->borrower;
  });
}

/// All of the one borrower whose id begins with `word`. Engines show such short ids.
std::vector<const Ledger*> with_prefix(const std::vector<Ledger>& ledgers,
                                       const std::string& word) {
  auto found = matching(ledgers, [&](const Ledger& ledger) {
    return !word.empty() && ledger.id.str().starts_with(word);
  });
  const bool is_one = std::all_of(found.begin(), found.end(), [&](const Ledger* ledger) {
    return ledger->id == found.front()->id;
  });
  if (is_one) return found;
  throw Error(fmt::format("'{}' is ambiguous, ids of several begin so: {}", printable(word),
                          list_loans(found)));
}

Error not_lent(const std::vector<Ledger>& ledgers, const std::string& word) {
  return Error(fmt::format("'{}' is not lent and nobody's id; lent are: {}", printable(word),
                           list_loans(matching(ledgers, [](const Ledger&) { return true; }))));
}

/// Somebody brings it home, or undoes what its lender, who is dead, left half way.
bool is_being_returned(const StateDirectory& state, const Ledger& ledger) {
  if (ledger.is_ready()) return false;
  // Or it has been done since the ledger was read.
  return LedgerLock::is_held(state, ledger.name) || !is_open(state, ledger.name);
}

HomeBy usual_home_by(const Books& books, const Ledger& ledger) {
  const auto lives = [](const ProcessIdentity& process) {
    return liveness(process) == Liveness::alive;
  };
  const bool is_dead = borrower_liveness(ledger) == Liveness::dead;
  if (lives(ledger.lender)) return HomeBy::lender;
  if (ledger.guardian && lives(*ledger.guardian)) {
    const bool is_now = is_dead || is_being_returned(books.state, ledger);
    return is_now ? HomeBy::guardian_now : HomeBy::guardian;
  }
  if (is_dead) return HomeBy::reap;
  if (is_by_hand(ledger)) return HomeBy::hand;
  return is_of_bundle(books.containers, ledger) ? HomeBy::removal : HomeBy::hook;
}

/// One that whoever is at it has not just begun with, and whose end nobody else knows better: a
/// made pair goes with its borrower, and so does what is left to the kernel.
bool is_lent(const Ledger& ledger, const Loan& loan) {
  return loan.stage != Stage::intent && !loan.pair && !ledger.is_left_to_kernel;
}

/// Whoever gives it back next notices, and closes the loan.
bool is_deleted(const StateDirectory& state, const Ledger& ledger, const Loan& loan) {
  Failures unreachable;
  bool is_certain = false;
  attempt(unreachable, [&] { is_certain = LoanSites(state, ledger).is_deleted(loan); });
  return is_certain;
}

HomeBy home_by(const StateDirectory& state, const Ledger& ledger, const Loan& loan, HomeBy usual) {
  Whereto where = whereabouts(state, ledger, loan);
  // It may have been on its way.
  if (where == Whereto::nowhere) where = whereabouts(state, ledger, loan);
  if (where == Whereto::nowhere) {
    return is_deleted(state, ledger, loan) ? usual : HomeBy::search;
  }
  const bool is_done = usual != HomeBy::lender && !is_being_returned(state, ledger);
  return where == Whereto::home && is_done ? HomeBy::repair : usual;
}
}  // namespace

OpenLedgers load_ledgers(const StateDirectory& state) {
  OpenLedgers open;
  for (const auto& name : list_ledgers(state)) {
    attempt(open.broken, [&] {
      if (auto ledger = load_ledger(state, name)) open.ledgers.push_back(*std::move(ledger));
    });
  }
  return open;
}

std::vector<HomeBy> home_by(const Books& books, const Ledger& ledger) {
  std::vector<HomeBy> all;
  const HomeBy usual = usual_home_by(books, ledger);
  for (const auto& loan : ledger.loans) {
    all.push_back(is_lent(ledger, loan) ? home_by(books.state, ledger, loan, usual) : usual);
  }
  return all;
}

HomeBy home_of_addresses_by(const Books& books, const Ledger& ledger) {
  return usual_home_by(books, ledger);
}

Whereto whereabouts(const StateDirectory& state, const Ledger& ledger, const Loan& loan) {
  try {
    LoanSites sites(state, ledger);
    if (loan.pair) return sites.locate_pair(loan) ? Whereto::away : Whereto::nowhere;
    const auto location = sites.locate(loan);
    if (!location) return Whereto::nowhere;
    return location->where == Whereabouts::home ? Whereto::home : Whereto::away;
  } catch (const Error&) {
    return Whereto::unknown;
  }
}

std::string_view describe(HomeBy by) {
  switch (by) {
    case HomeBy::lender:
      return "when the command ends";
    case HomeBy::guardian:
      return "when the borrower ends";
    case HomeBy::guardian_now:
      return "now, by its guardian";
    case HomeBy::hook:
      return "by poststop or 'netlend reap'";
    case HomeBy::removal:
      return "by 'netlend delete'";
    case HomeBy::hand:
      return "by 'netlend return'";
    case HomeBy::reap:
      return "by 'netlend reap'";
    case HomeBy::repair:
      return "by 'netlend reap': it is there, but not as it was";
    case HomeBy::search:
      return "when it is found again, or 'netlend return --forget'";
  }
  return "unknown";
}

std::string_view word_for(HomeBy by) {
  switch (by) {
    case HomeBy::lender:
      return "run";
    case HomeBy::guardian:
    case HomeBy::guardian_now:
      return "guardian";
    case HomeBy::hook:
      return "hook";
    case HomeBy::removal:
      return "delete";
    case HomeBy::hand:
      return "return";
    case HomeBy::reap:
      return "reap";
    case HomeBy::repair:
      return "repair";
    case HomeBy::search:
      return "search";
  }
  return "unknown";
}

std::string describe_borrower(const Ledger& ledger) {
  const auto id = ledger.id.short_str();
  return ledger.process ? fmt::format("{} (pid {})", id, ledger.process->pid)
                        : fmt::format("{} ({})", id, printable(ledger.netns_path));
}

std::string describe_home(const NetnsIdentity& home) {
  if (Netns::current().identity() == home) return {};
  const UniqueFd folder{::open(kNamedNetnsFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.is_open()) {
    for (const auto& name : list_names(folder.get())) {
      try {
        if (Netns::open(fmt::format("{}/{}", kNamedNetnsFolder, name)).identity() == home) {
          return name;
        }
      } catch (const Error&) {
        // Anybody's file may be there; that one is no namespace.
      }
    }
  }
  return fmt::format("netns {}", home.inode);
}

std::string addresses_of(const AddressLoan& loan) {
  std::string out;
  for (const auto& lent : loan.addresses) {
    out += (out.empty() ? "" : " ") + lent.home.address().str();
  }
  return out + describe_ports(loan.ports);
}

std::string format_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::vector<std::string> find_ledgers(const std::vector<Ledger>& ledgers, const std::string& word,
                                      const LoanPredicate& is_preferred) {
  const Meaning meaning = meaning_of(word);
  const auto with_device = [&](const LoanPredicate& is_match) {
    return matching(ledgers, [&](const Ledger& ledger) {
      const auto& lent = ledger.address_loans;
      return std::any_of(lent.begin(), lent.end(), meaning.is_address) ||
             std::any_of(ledger.loans.begin(), ledger.loans.end(), [&](const Loan& loan) {
               return meaning.is_device(loan) && is_match(ledger, loan);
             });
    });
  };
  auto found = matching(ledgers, meaning.is_borrower);
  auto devices = with_device([](const Ledger&, const Loan&) { return true; });
  if (found.empty() && !have_one_borrower(devices)) {
    if (auto preferred = with_device(is_preferred); !preferred.empty()) devices = preferred;
  }
  const bool is_ambiguous =
      found.empty() ? !have_one_borrower(devices)
                    : std::any_of(devices.begin(), devices.end(), [&](const Ledger* ledger) {
                        return std::find(found.begin(), found.end(), ledger) == found.end();
                      });
  if (is_ambiguous) {
    found.insert(found.end(), devices.begin(), devices.end());
    throw Error(fmt::format("'{}' is ambiguous: {}; use a name that only one of them has",
                            printable(word), list_loans(found)));
  }
  if (found.empty()) found = std::move(devices);
  if (found.empty()) found = with_prefix(ledgers, word);
  if (found.empty()) throw not_lent(ledgers, word);
  std::vector<std::string> names;
  names.reserve(found.size());
  for (const Ledger* ledger : found) names.push_back(ledger->name);
  return names;
}

}  // namespace netlend::cli
