#include "net/sharing.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "net/kernel/driver.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/lock.hpp"
#include "net/locate.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/reap_ledger.hpp"

namespace netlend {

namespace {
constexpr int kLockTimeoutMs = 10'000;
constexpr int kIntentTimeoutMs = 2'000;

Sharer sharer_of(const Borrower& borrower) { return {.id = borrower.id, .key = borrower.key}; }

bool is_shared_with(const Ledger& ledger, const Borrower& borrower) {
  const auto& all = ledger.sharers;
  return std::find(all.begin(), all.end(), sharer_of(borrower)) != all.end();
}

/// The ledgers of those who live and have been, or are just being, lent the very same.
std::vector<Ledger> same_loans(const StateDirectory& state, const std::string& plan_text) {
  std::vector<Ledger> same;
  for (const auto& name : list_ledgers(state)) {
    const bool is_worked_on = LedgerLock::is_held(state, name);
    std::optional<Ledger> ledger;
    Failures broken;  // It is somebody else's, and says nothing of this container.
    attempt(broken, [&] { ledger = load_ledger(state, name); });
    if (ledger && ledger->plan == plan_text && (ledger->is_ready() || is_worked_on) &&
        borrower_liveness(*ledger) == Liveness::alive) {
      same.push_back(*std::move(ledger));
    }
  }
  return same;
}

/// Waits for those who have claimed a device and are about to write down for whom.
void await_intents(const StateDirectory& state) {
  for (const auto& name : list_leases(state)) {
    Failures of_others;
    attempt(of_others, [&] {
      const auto lease = read_lease(state, name);
      if (!lease || is_open(state, lease->ledger_name)) return;
      LedgerLock lock = LedgerLock::acquire(state, lease->ledger_name, kIntentTimeoutMs);
      if (!is_open(state, lease->ledger_name)) lock.remove();
    });
  }
}

/// False where it was closed meanwhile, or not lent in the end.
bool write_down_sharer(const LendingContext& context, const std::string& name,
                       const Borrower& borrower) {
  LedgerLock lock = LedgerLock::acquire(context.state, name, kLockTimeoutMs);
  auto ledger = load_and_mend_ledger(context.state, name, context.on_note);
  if (!ledger) {
    lock.remove();
    return false;
  }
  if (!ledger->is_ready()) return false;
  if (is_shared_with(*ledger, borrower)) return true;
  ledger->sharers.push_back(sharer_of(borrower));
  save_ledger(context.state, *ledger);
  return true;
}

/// Of a device that is away.
std::string driver_there(LoanSites& sites, const Loan& loan) {
  std::string driver;
  if (const auto location = sites.locate(loan)) {
    run_in_netns(location->site->netns, [&] { driver = driver_of(location->link.name); });
  }
  return driver;
}

void check_allowed(const LendingContext& context, const Ledger& ledger, const Plan& plan,
                   const LendOptions& options) {
  if (options.address_permission) options.address_permission(plan.addresses);
  if (!options.permission || plan.nics.empty()) return;
  LoanSites sites(context.state, ledger);
  std::vector<WantedDevice> wanted;
  for (std::size_t i = 0; i < plan.nics.size() && i < ledger.loans.size(); ++i) {
    const Loan& loan = ledger.loans[i];
    wanted.push_back({.nic = plan.nics[i],
                      .device = loan.home ? &loan.home->link : nullptr,
                      .driver = loan.home ? driver_there(sites, loan) : ""});
  }
  options.permission(wanted);
}
}  // namespace

bool share_loans(const LendingContext& context, const Plan& plan, const Borrower& borrower) {
  await_intents(context.state);
  for (const auto& ledger : same_loans(context.state, format_plan_file(plan))) {
    if (ledger.borrower != borrower.netns.identity()) continue;
    if (write_down_sharer(context, ledger.name, borrower)) return true;
  }
  return false;
}

bool join_loans(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                const IsCompanion& is_companion) {
  for (const auto& ledger : same_loans(context.state, format_plan_file(plan))) {
    const bool is_elsewhere = ledger.borrower != borrower.netns.identity();
    if (!is_elsewhere || !ledger.process || !is_companion(*ledger.process)) continue;
    if (write_down_sharer(context, ledger.name, borrower)) return true;
  }
  return false;
}

std::vector<Sharer> take_along(const LendingContext& context, const Plan& plan,
                               const Borrower& borrower, const LendOptions& options) {
  std::vector<Sharer> others;
  for (const auto& ledger : same_loans(context.state, format_plan_file(plan))) {
    if (!is_shared_with(ledger, borrower) || ledger.borrower == borrower.netns.identity()) continue;
    check_allowed(context, ledger, plan, options);
    const ReapResult reaped = reap_ledger(context, ledger.name, ReapScope::all);
    if (reaped.is_closed) {
      others = ledger.sharers;
      std::erase(others, sharer_of(borrower));
      others.push_back({.id = ledger.id, .key = ledger.key});
      continue;
    }
    throw Error(fmt::format("'{}' shares its devices with '{}', whose namespace they can't leave{}",
                            borrower.id.str(), ledger.id.str(),
                            reaped.failures.empty() ? ", since somebody else is at it; try again"
                                                    : ": " + reaped.failures.front().what));
  }
  return others;
}

}  // namespace netlend
