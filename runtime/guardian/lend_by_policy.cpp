#include "guardian/lend_by_policy.hpp"

#include "guardian/guardian.hpp"
#include "net/driver.hpp"
#include "net/link.hpp"

namespace netlend {

LendFunction lend_function(Lender lender, const Settings& settings) {
  return lender == Lender::leaves && settings.guardian ? lend_guarded : lend;
}

void lend_by_policy(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                    const PolicyLending& how) {
  const LendOptions options{
      .force = Force::no, .permission = [&](const std::vector<WantedDevice>& wanted) {
        std::vector<PolicyRequest> requests;
        for (const auto& [nic, device] : wanted) {
          requests.push_back({.nic = nic,
                              .device = device,
                              .driver = device != nullptr ? driver_of(device->name) : ""});
        }
        how.configuration.policy.check(borrower.id, requests);
      }};
  try {
    lend_function(how.lender, how.configuration.settings)(context, plan, borrower, options);
  } catch (const Error&) {
    if (!is_lent_already(context.state, plan, borrower)) throw;
  }
}

}  // namespace netlend
