#include <algorithm>
#include <memory>

#include "net/l3/upkeep.hpp"
#include "net/ledger/lock.hpp"
#include "net/lending.hpp"
#include "net/locate.hpp"

namespace netlend {

namespace {
constexpr int kLockTimeoutMs = 15'000;

/// He has a device that stands on one of home's, or an address whose lifetime may be over.
bool needs_borrower(const Ledger& ledger) {
  const auto& loans = ledger.address_loans;
  return std::any_of(loans.begin(), loans.end(), [](const AddressLoan& loan) {
    const auto& addresses = loan.addresses;
    return loan.upper || std::any_of(addresses.begin(), addresses.end(), [](const auto& lent) {
             return lent.home.valid_until_s.has_value();
           });
  });
}

void keep_up_ledger(const LendingContext& context, Ledger& ledger) {
  Site home = open_home(ledger);
  std::unique_ptr<Site> borrower;
  // Only for a moment: the end of that namespace is what brings the addresses home.
  if (needs_borrower(ledger)) borrower = open_borrower(context.state, ledger);
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
    auto ledger = load_and_mend_ledger(context.state, ledger_name, context.on_note);
    if (!ledger) return lock.remove();
    // What is being given back is nobody's to lend again.
    if (ledger->is_ready()) keep_up_ledger(context, *ledger);
  });
  return failures;
}

}  // namespace netlend
