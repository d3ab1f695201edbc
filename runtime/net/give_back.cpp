#include <algorithm>
#include <memory>
#include <optional>

#include "net/give_back_devices.hpp"
#include "net/l3/address_lending.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/lock.hpp"
#include "net/ledger/pin.hpp"
#include "net/left_to_kernel.hpp"
#include "net/lending.hpp"
#include "net/locate.hpp"
#include "net/return_ledger.hpp"
#include "net/salvage.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
// Less than a hook has by default: it is to say who was in its way.
constexpr int kLockTimeoutMs = 15'000;

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
  // A dead one takes with it what is inside, but not what stands on a device of home's.
  const bool has_upper =
      std::any_of(loans.begin(), loans.end(), [](const auto& loan) { return loan.upper; });
  if (has_upper || borrower_liveness(ledger) == Liveness::alive) {
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
  return give_back_devices(context, ledger, leftover, failures) && all_home;
}

/// By its mark; or without one as what it was, where the way home was gone to its end but for the
/// ledger.
bool is_home(Site& home, const Loan& loan) {
  if (find_link(home.socket, loan.mark())) return true;
  const LinkState& was = loan.home->link;
  const auto link = find_link(home.socket, was.ifindex);
  return link && is_as_it_left(*link, was);
}

/// A full or read-only disk may have kept the stage as it was; or its borrower has sent it home.
bool has_come_home(const Ledger& ledger) {
  if (ledger.is_left_to_kernel || ledger.loans.empty()) return false;
  bool is_there = false;
  Failures unreachable;  // Told by whoever gives it back.
  attempt(unreachable, [&] {
    Site home = open_home(ledger);
    is_there = std::any_of(ledger.loans.begin(), ledger.loans.end(),
                           [&](const Loan& loan) { return loan.home && is_home(home, loan); });
  });
  return is_there;
}
}  // namespace

bool is_reapable(const Ledger& ledger) {
  return !ledger.is_ready() || borrower_liveness(ledger) == Liveness::dead || has_come_home(ledger);
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

namespace {
/// Nothing where it has been closed, be it just now because nobody can read it.
std::optional<Ledger> take_up(const LendingContext& context, const std::string& name,
                              Leftover leftover, Failures& failures) {
  try {
    return load_and_mend_ledger(context.state, name, context.on_note);
  } catch (const Error& error) {
    const bool is_broken = error.errno_value() == 0;
    if (leftover == Leftover::keep || !is_broken) throw;
  }
  failures = salvage_ledger(context, name);
  return std::nullopt;
}
}  // namespace

Failures give_back(const LendingContext& context, const std::string& ledger_name,
                   Leftover leftover) noexcept {
  Failures failures;
  attempt(failures, [&] {
    // The lock of a closed ledger would be made anew.
    if (!is_open(context.state, ledger_name)) return;
    LedgerLock lock = LedgerLock::acquire(context.state, ledger_name, kLockTimeoutMs);
    auto ledger = take_up(context, ledger_name, leftover, failures);
    if (ledger) failures = return_ledger(context, *ledger, leftover);
    if (!is_open(context.state, ledger_name)) lock.remove();
  });
  return failures;
}

}  // namespace netlend
