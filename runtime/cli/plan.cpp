#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/loans_json.hpp"
#include "cli/plan_report.hpp"
#include "cli/planning.hpp"
#include "cli/target.hpp"
#include "cli/verbs.hpp"
#include "lifecycle/bundle.hpp"
#include "lifecycle/bundle_loans.hpp"
#include "net/l3/kernel_mode.hpp"

namespace netlend::cli {

namespace {
// A container that `run` would make has no namespace yet that could be looked into.
Preview look(const Session& session, const RunArguments& arguments) {
  const Plan plan = make_plan(arguments);
  return {plan,
          preview(session.lending(), plan, nullptr,
                  {.force = arguments.force, .is_in_l3_namespace = wants_l3_namespace(plan)})};
}

Preview look(const Session& session, const RunBundleArguments& arguments) {
  const auto& words = arguments.bundle;
  check_is_no_command(words);
  return preview_bundle(session.lending(), {.command_line = make_plan(words), .force = words.force},
                        load_bundle(words.bundle), ContainerId{words.id});
}

Preview look(const Session& session, const LendArguments& arguments) {
  const Plan plan = make_plan(session.lending(), arguments, Reaping::no);
  const auto borrower =
      find_borrower(session.state(), session.containers(), parse_target(arguments.to), plan);
  return {plan, preview(session.lending(), plan, &borrower, {.force = arguments.force})};
}
}  // namespace

int execute(const Session& session, const PlanArguments& arguments) {
  const auto [plan, reports] =
      std::visit([&](const auto& of) { return look(session, of); }, arguments.of);
  print(arguments.format == OutputFormat::text ? format_text(plan, reports)
                                               : format_json(plan_to_json(plan, reports)));
  const bool is_refused = std::any_of(reports.begin(), reports.end(),
                                      [](const auto& report) { return !report.refusals.empty(); });
  return is_refused ? kExitFailed : kExitSuccess;
}

}  // namespace netlend::cli
