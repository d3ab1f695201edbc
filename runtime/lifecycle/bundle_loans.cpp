#include "lifecycle/bundle_loans.hpp"

#include <optional>
#include <string>
#include <utility>

#include "guardian/guardian.hpp"
#include "net/ledger.hpp"
#include "net/plan_parse.hpp"
#include "net/policy.hpp"

namespace netlend {

namespace {
// Behind the bundle's path in the key of a ledger.
constexpr const char* kCommandLineKey = " --nic";

Borrower with_key(const BundleBorrower& borrower, const char* key) {
  return {.id = borrower.record.id,
          .key = borrower.record.bundle + key,
          .netns = borrower.netns(),
          .process = borrower.record.init,
          .netns_path = {}};
}

void lend_as(Lender lender, const LendingContext& context, const Plan& plan,
             const Borrower& borrower, const LendOptions& options) {
  lender == Lender::stays ? lend(context, plan, borrower, options)
                          : lend_guarded(context, plan, borrower, options);
}
}  // namespace

void lend_to_bundle(const LendingContext& context, const BundlePlans& plans, Lender lender,
                    const BundleBorrower& borrower) {
  if (!plans.command_line.nics.empty()) {
    lend_as(lender, context, plans.command_line, with_key(borrower, kCommandLineKey),
            {.force = plans.force, .permission = {}});
  }
  if (const auto plan = parse_annotations(borrower.record.annotations)) {
    const Policy policy = Policy::load();
    lend_as(lender, context, *plan, with_key(borrower, ""),
            {.force = Force::no, .permission = [&](const NicPlan& nic, const LinkState* device) {
               policy.check(borrower.record.id, nic, device);
             }});
  }
}

Failures give_back_from(const LendingContext& context, const ContainerRecord& record) noexcept {
  Failures failures;
  if (!record.init) return failures;
  attempt(failures, [&] {
    for (const auto& name : ledgers_of(context.state, record.id)) {
      attempt(failures, [&] {
        const auto ledger = load_ledger(context.state, name);
        if (!ledger || ledger->process != record.init) return;
        for (auto& failure : give_back(context, name)) failures.push_back(std::move(failure));
      });
    }
  });
  return failures;
}

}  // namespace netlend
