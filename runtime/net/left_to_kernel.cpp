#include "net/left_to_kernel.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/poll_until.hpp"
#include "base/text.hpp"
#include "net/kernel/identity.hpp"
#include "net/ledger/lock.hpp"
#include "net/ledger/pin.hpp"
#include "net/locate.hpp"

namespace netlend {

namespace {
// Its last processes may still be about to end.
constexpr int kEndTimeoutMs = 500;
// Dozens of namespaces that end at once take the kernel seconds.
constexpr int kArrivalTimeoutMs = 10'000;
constexpr int kLockTimeoutMs = 15'000;
constexpr int kPollIntervalUs = 5'000;

bool is_virtual(const Loan& loan) { return !is_physical(identify_device(loan.home->link)); }

void unpin_borrower(const StateDirectory& state, const Ledger& ledger) {
  if (ledger.pin) remove_pin(state, pin_place(ledger, PinFolder::pins));
}

/// The namespaces are opened anew each time: held open, the borrower's would never end.
bool have_arrived(const LendingContext& context, const Ledger& ledger) {
  LoanSites sites(context.state, ledger);
  return std::all_of(ledger.loans.begin(), ledger.loans.end(), [&](const Loan& loan) {
    return !loan.home || is_virtual(loan) || sites.locate(loan).has_value();
  });
}
}  // namespace

void leave_to_kernel(const LendingContext& context, const std::string& ledger_name) {
  if (!is_open(context.state, ledger_name)) return;
  LedgerLock lock = LedgerLock::acquire(context.state, ledger_name, kLockTimeoutMs);
  auto ledger = load_and_mend_ledger(context.state, ledger_name, context.on_note);
  if (!ledger) return lock.remove();
  ledger->is_left_to_kernel = true;
  save_ledger(context.state, *ledger);
  unpin_borrower(context.state, *ledger);
}

bool await_kernel(const LendingContext& context, const Ledger& ledger) {
  // Whoever left it to the kernel may have been killed before this.
  unpin_borrower(context.state, ledger);
  const bool is_alive = borrower_liveness(ledger) == Liveness::alive;
  const auto has_ended = [&] { return !is_held(ledger.borrower); };
  if (!poll_until(has_ended,
                  {.timeout_ms = is_alive ? 0 : kEndTimeoutMs, .interval_us = kPollIntervalUs})) {
    for (const auto& loan : ledger.loans) {
      if (!context.on_note) break;
      context.on_note(fmt::format(
          "device '{}' came by linux.netDevices and stays with '{}' until the network namespace "
          "there ends; 'netlend reap' then puts it right at home",
          printable(loan.home_name()), ledger.id.str()));
    }
    return false;
  }
  // What hasn't arrived by then is reported as missing.
  static_cast<void>(poll_until([&] { return have_arrived(context, ledger); },
                               {.timeout_ms = kArrivalTimeoutMs, .interval_us = kPollIntervalUs}));
  return true;
}

bool ended_with_namespace(const Ledger& ledger, const Loan& loan) {
  return ledger.is_left_to_kernel && is_virtual(loan);
}

}  // namespace netlend
