#include "guardian/lend_by_policy.hpp"

#include "net/driver.hpp"
#include "net/link.hpp"

namespace netlend {

std::string lend_by_settings(const LendingContext& context, const Plan& plan,
                             const Borrower& borrower, const LendOptions& options, Lender lender,
                             const Settings& settings) {
  return settings.guardian ? lend_guarded(context, plan, borrower, options, lender)
                           : lend(context, plan, borrower, options);
}

void lend_by_policy(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                    const PolicyLending& how) {
  const LendOptions options{
      .force = Force::no, .permission = [&](const NicPlan& nic, const LinkState* device) {
        how.configuration.policy.check(borrower.id, nic, device,
                                       device != nullptr ? driver_of(device->name) : std::string{});
      }};
  try {
    lend_by_settings(context, plan, borrower, options, how.lender, how.configuration.settings);
  } catch (const Error&) {
    if (!share_loans(context.state, plan, borrower)) throw;
  }
}

}  // namespace netlend
