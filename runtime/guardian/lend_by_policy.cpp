#include "guardian/lend_by_policy.hpp"

#include <cerrno>

#include "net/policy/pod.hpp"

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
  const auto lend_now = [&] {
    lend_guarded(
        context, plan, borrower,
        {.options = options, .lender = how.lender, .settings = how.configuration.settings});
  };
  try {
    return lend_now();
  } catch (const Error& error) {
    if (share_loans(context, plan, borrower)) return;
    // In its pod's new namespace, while who has it still lives in the old one.
    const auto is_companion = [&](const ProcessIdentity& other) {
      return is_of_same_pod(process, borrower.netns, other);
    };
    const bool is_lent = error.errno_value() == EBUSY;
    if (!is_lent || !join_loans(context, plan, borrower, is_companion)) throw;
  }
  lend_now();
}

}  // namespace netlend
