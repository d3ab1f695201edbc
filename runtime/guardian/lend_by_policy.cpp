#include "guardian/lend_by_policy.hpp"

namespace netlend {

void lend_by_policy(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                    const PolicyLending& how) {
  const auto& process = borrower.process.value();
  const auto& policy = how.configuration.policy;
  const auto asker = [&] { return observe_asker(borrower.id, process, borrower.key); };
  const LendOptions options{
      .force = Force::no,
      .permission = [&](const std::vector<WantedDevice>& wanted) { policy.check(asker(), wanted); },
      .address_permission =
          [&](const std::vector<AddressPlan>& wanted) {
            if (!wanted.empty()) policy.check_addresses(asker(), wanted);
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
