#include "net/earlier.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/lock.hpp"
#include "net/reap_ledger.hpp"

namespace netlend {

namespace {
constexpr int kEarlierTimeoutMs = 10'000;
constexpr timespec kPollInterval{.tv_sec = 0, .tv_nsec = 5'000'000};

bool is_held_alive(const Ledger& earlier, const Borrower& borrower) {
  return earlier.borrower == borrower.netns.identity() &&
         borrower_liveness(earlier) != Liveness::dead;
}

/// Waits for who was called for the same at the same moment and is about to have lent it, and
/// tells what stands then.
std::optional<Ledger> await_twin(const StateDirectory& state, const std::string& name,
                                 const std::string& plan_text, const Borrower& borrower) {
  const std::int64_t deadline_ms = monotonic_ms() + kEarlierTimeoutMs;
  for (;;) {
    const bool is_worked_on = LedgerLock::is_held(state, name);
    auto ledger = load_ledger(state, name);
    const bool is_under_way = ledger && is_worked_on && !ledger->is_ready() &&
                              ledger->plan == plan_text && is_held_alive(*ledger, borrower);
    if (!is_under_way || monotonic_ms() >= deadline_ms) return ledger;
    ::nanosleep(&kPollInterval, nullptr);
  }
}

bool is_wanted_again(const Plan& plan, const Loan& loan) {
  return std::any_of(plan.nics.begin(), plan.nics.end(), [&](const NicPlan& nic) {
    const auto* selector = std::get_if<DeviceSelector>(&nic.source);
    return selector != nullptr && selector->by == DeviceSelector::By::name &&
           selector->value == loan.home_name();
  });
}

Error still_holds(const Ledger& earlier, const Plan& plan, const Failures& failures) {
  const std::string id = earlier.id.str();
  for (const auto& loan : earlier.loans) {
    const bool is_wanted = std::any_of(plan.nics.begin(), plan.nics.end(), [&](const auto& nic) {
      return nic.inside.str() == loan.inside;
    });
    if (!is_wanted || !failures.empty()) continue;
    const std::string name = printable(loan.home_name());
    if (is_wanted_again(plan, loan)) {
      return Error(fmt::format("device '{}' is lent to '{}' already, by other words than these; "
                               "'netlend return {}' brings it home",
                               name, id, name),
                   EEXIST);
    }
    return Error(
        fmt::format("the name '{}' is taken in '{}' by device '{}', which was lent before; "
                    "choose another name inside, or bring that home by 'netlend return {}'",
                    printable(loan.inside), id, name, name),
        EEXIST);
  }
  if (!failures.empty()) {
    return Error(fmt::format("what '{}' was lent before has not come home as it was; {}", id,
                             kHowToLearnWhy));
  }
  for (const auto& loan : earlier.address_loans) {
    const auto is_wanted = [&](const auto& wanted) { return wanted.inside.str() == loan.inside; };
    if (std::none_of(plan.nics.begin(), plan.nics.end(), is_wanted) &&
        std::none_of(plan.addresses.begin(), plan.addresses.end(), is_wanted)) {
      continue;
    }
    const std::string address = loan.addresses.front().home.address().str();
    return Error(
        fmt::format("the name '{}' is taken in '{}' already, by the loan of '{}'; choose another "
                    "by as=NAME, or bring that home by 'netlend return {}'",
                    printable(loan.inside), id, address, address),
        EEXIST);
  }
  return Error(fmt::format(
      "'{}' still holds what it was lent before; 'netlend return {}' brings it home", id, id));
}
}  // namespace

void note(const LendingContext& context, const Failures& failures) {
  if (!context.on_note) return;
  for (const auto& failure : failures) context.on_note(failure.what);
}

std::optional<std::string> meet_earlier(const LendingContext& context, const Plan& plan,
                                        const std::string& plan_text, const Borrower& borrower) {
  const std::int64_t deadline = monotonic_ms() + kEarlierTimeoutMs;
  for (const auto& name : ledgers_of(context.state, borrower.id, borrower.key)) {
    for (;;) {
      const auto ledger = await_twin(context.state, name, plan_text, borrower);
      if (!ledger) break;
      const bool is_held = is_held_alive(*ledger, borrower);
      if (is_held && ledger->plan == plan_text && ledger->is_ready()) return name;
      const ReapResult reaped = reap_ledger(context, name, ReapScope::dead);
      if (reaped.is_closed) {
        note(context, reaped.failures);
        break;
      }
      if (is_held) throw still_holds(*ledger, plan, reaped.failures);
      if (!reaped.failures.empty() || monotonic_ms() >= deadline) break;
      ::nanosleep(&kPollInterval, nullptr);  // Its guardian or its runtime is about to close it.
    }
  }
  return std::nullopt;
}

}  // namespace netlend
