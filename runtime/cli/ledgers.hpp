#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "lifecycle/container_store.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"

namespace netlend::cli {

/// All open ledgers, and a sentence for each that can't be read.
struct OpenLedgers {
  std::vector<Ledger> ledgers;
  Failures broken;
};
OpenLedgers load_ledgers(const StateDirectory& state);

/// How a loan will come home if nobody returns it before.
enum class HomeBy {
  /// By `netlend run`, which waits for the borrower.
  lender,
  /// By its guardian when the borrower ends ...
  guardian,
  /// ... which it has.
  guardian_now,
  /// By the hook, if the engine calls it.
  hook,
  /// By nobody before `netlend delete`, of a container of netlend's own.
  removal,
  /// By nobody before `netlend return`.
  hand,
  /// By nobody before `netlend reap`: the borrower is dead.
  reap,
  /// It is home already, but not as it was; `netlend reap` tries again.
  repair,
  /// It is in none of the namespaces where it could be: deleted, moved on or unplugged.
  search
};

/// What is known of loans and of netlend's own containers.
struct Books {
  const StateDirectory& state;
  const ContainerStore& containers;
};

/// Of each loan of the ledger, in their order.
std::vector<HomeBy> home_by(const Books& books, const Ledger& ledger);

/// Of the ledger's addresses.
HomeBy home_of_addresses_by(const Books& books, const Ledger& ledger);

/// Where a loan's device is now; `unknown`: its home can't be reached from here.
enum class Whereto { away, home, nowhere, unknown };
Whereto whereabouts(const StateDirectory& state, const Ledger& ledger, const Loan& loan);

/// "when the command ends" for people, "run" for programs.
std::string_view describe(HomeBy by);
std::string_view word_for(HomeBy by);

/// "box (pid 42)" or "blue (/run/netns/blue)".
std::string describe_borrower(const Ledger& ledger);

/// What to call a network namespace that devices were lent from: nothing if it is ours; else its
/// name in /run/netns, or "netns 4026532201".
std::string describe_home(const NetnsIdentity& home);

/// "10.0.0.1 2001:db8::1".
std::string addresses_of(const AddressLoan& loan);

/// "2026-07-01T12:00:00Z".
std::string format_time(std::int64_t seconds);

/// Which of several loans of one name is rather meant.
using LoanPredicate = std::function<bool(const Ledger& ledger, const Loan& loan)>;

/// The names of the ledgers that `netlend return WORD` means: those with a device of that name or
/// altname at home or of that name inside, with that address, or that `dev:`, `alt:`, `mac:` or
/// `pci:` finds; or all of the borrower with that id, `pid:` or `netns:`; or the one of that name;
/// or, where it is none of these, all of the borrower whose id alone begins so. Where borrowers
/// have devices of one name, the preferred ones are meant. Throws Error where there is none, or
/// still more than one borrower: it says what there is.
std::vector<std::string> find_ledgers(const std::vector<Ledger>& ledgers, const std::string& word,
                                      const LoanPredicate& is_preferred);

}  // namespace netlend::cli
