#include <algorithm>
#include <memory>

#include "net/l3/upkeep.hpp"
#include "net/ledger/lock.hpp"
#include "net/lending.hpp"
#include "net/locate.hpp"

namespace netlend {

namespace {
constexpr int kLockTimeoutMs = 15'000;

void keep_up_ledger(const LendingContext& context, Ledger& ledger) {
  Site home = open_home(ledger);
  std::unique_ptr<Site> borrower;
  // Only for a moment: the end of that namespace is what brings the addresses home.
  const auto& loans = ledger.address_loans;
  if (std::any_of(loans.begin(), loans.end(), [](const auto& loan) { return loan.upper; })) {
    borrower = open_borrower(context.state, ledger);
  }
  keep_up_addresses({.state = context.state,
                     .ledger = ledger,
                     .home = home,
                     .on_step = context.on_step,
                     .borrower = borrower.get()});
}
}  // namespace

Failures keep_up(const LendingContext& context, const std::string& ledger_name) noexcept {
  Failures failures;
  attempt(failures, [&] {
    // The lock of a closed ledger would be made anew.
    if (!is_open(context.state, ledger_name)) return;
    LedgerLock lock = LedgerLock::acquire(context.state, ledger_name, kLockTimeoutMs);
    auto ledger = load_ledger(context.state, ledger_name);
    if (!ledger) return lock.remove();
    // What is being given back is nobody's to lend again.
    if (ledger->is_ready()) keep_up_ledger(context, *ledger);
  });
  return failures;
}

}  // namespace netlend
