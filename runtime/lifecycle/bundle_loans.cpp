#include "lifecycle/bundle_loans.hpp"

#include <optional>
#include <string>

#include "net/ledger.hpp"
#include "net/plan_parse.hpp"
#include "net/policy.hpp"

namespace netlend {

namespace {
// Behind the bundle's path in the key of a ledger.
constexpr const char* kCommandLineKey = " --nic";

Borrower borrower_of(const ContainerRecord& record, Netns netns, const char* key) {
  return {.id = record.id,
          .key = record.bundle + key,
          .netns = std::move(netns),
          .process = record.init,
          .netns_path = {}};
}

void lend_by_annotations(const LendingContext& context, const Plan& plan,
                         const Borrower& borrower) {
  const Policy policy = Policy::load();
  lend(context, plan, borrower,
       {.force = Force::no, .permission = [&](const NicPlan& nic, const LinkState* device) {
          policy.check(borrower.id, nic, device);
        }});
}
}  // namespace

void lend_to_bundle(const LendingContext& context, const BundlePlans& plans,
                    const ContainerRecord& record, const std::function<Netns()>& netns) {
  if (!plans.command_line.nics.empty()) {
    lend(context, plans.command_line, borrower_of(record, netns(), kCommandLineKey),
         {.force = plans.force, .permission = {}});
  }
  if (const auto plan = parse_annotations(record.annotations)) {
    lend_by_annotations(context, *plan, borrower_of(record, netns(), ""));
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
