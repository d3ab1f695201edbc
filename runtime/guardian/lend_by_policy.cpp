#include "guardian/lend_by_policy.hpp"

#include "net/driver.hpp"
#include "net/link.hpp"

namespace netlend {

void lend_by_policy(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                    const PolicyLending& how) {
  const LendOptions options{
      .force = Force::no, .permission = [&](const NicPlan& nic, const LinkState* device) {
        how.configuration.policy.check(borrower.id, nic, device,
                                       device != nullptr ? driver_of(device->name) : std::string{});
      }};
  try {
    lend_guarded(
        context, plan, borrower,
        {.options = options, .lender = how.lender, .settings = how.configuration.settings});
  } catch (const Error&) {
    if (!share_loans(context.state, plan, borrower)) throw;
  }
}

}  // namespace netlend
