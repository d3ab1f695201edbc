#include "guardian/lend_by_policy.hpp"

#include "guardian/guardian.hpp"
#include "net/driver.hpp"
#include "net/link.hpp"

namespace netlend {

std::string lend_as(Lender lender, const Settings& settings, const LendingContext& context,
                    const Plan& plan, const Borrower& borrower, const LendOptions& options) {
  const bool is_guarded = lender == Lender::leaves && settings.guardian;
  return is_guarded ? lend_guarded(context, plan, borrower, options)
                    : lend(context, plan, borrower, options);
}

void lend_by_policy(Lender lender, const Configuration& configuration,
                    const LendingContext& context, const Plan& plan, const Borrower& borrower) {
  const LendOptions options{
      .force = Force::no, .permission = [&](const NicPlan& nic, const LinkState* device) {
        configuration.policy.check(borrower.id, nic, device,
                                   device != nullptr ? driver_of(device->name) : std::string{});
      }};
  try {
    lend_as(lender, configuration.settings, context, plan, borrower, options);
  } catch (const Error&) {
    if (!is_lent_already(context.state, plan, borrower)) throw;
  }
}

}  // namespace netlend
