#include "lifecycle/bundle_loans.hpp"

#include <optional>
#include <string>
#include <utility>

#include "net/ledger.hpp"
#include "net/plan_parse.hpp"
#include "net/policy.hpp"
#include "net/select.hpp"

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
}  // namespace

void check_together(const BundlePlans& plans, const oci::Annotations& annotations) {
  auto all = parse_annotations(annotations);
  if (!all || plans.command_line.nics.empty()) return;
  all->nics.insert(all->nics.begin(), plans.command_line.nics.begin(),
                   plans.command_line.nics.end());
  try {
    check_plan(*all);
    Site home{Netns::current()};
    check_each_wanted_once(home, *all);
  } catch (const Error& error) {
    throw error.within("what is asked for by the command line and by annotations");
  }
}

void lend_to_bundle(const LendingContext& context, const BundlePlans& plans, Lender lender,
                    const BundleBorrower& borrower) {
  const auto by_annotations = parse_annotations(borrower.record.annotations);
  if (plans.command_line.nics.empty() && !by_annotations) return;
  const auto configuration = load_configuration();
  if (!plans.command_line.nics.empty()) {
    lend_guarded(
        context, plans.command_line, with_key(borrower, kCommandLineKey),
        {.options = {.force = plans.force}, .lender = lender, .settings = configuration.settings});
  }
  if (by_annotations) {
    lend_by_policy(context, *by_annotations, with_key(borrower, ""),
                   {.lender = lender, .configuration = configuration});
  }
}

bool is_of_bundle(const ContainerStore& containers, const Ledger& ledger) {
  // Also where the container is known in another folder (--root).
  if (ledger.key.ends_with(kCommandLineKey)) return true;
  Failures broken;  // A record that can't be read says nothing.
  std::optional<ContainerView> view;
  attempt(broken, [&] { view = containers.find(ledger.id); });
  return view && view->record.init && view->record.init == ledger.process;
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
