#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/loans_json.hpp"
#include "cli/plan_report.hpp"
#include "cli/planning.hpp"
#include "cli/target.hpp"
#include "cli/verbs.hpp"

namespace netlend::cli {

namespace {
// A container that `run` would make has no namespace yet that could be looked into.
std::optional<Borrower> borrower_of(const Session& session, const PlanArguments& arguments,
                                    const Plan& plan) {
  const auto* lend = std::get_if<LendArguments>(&arguments.of);
  if (lend == nullptr) return std::nullopt;
  return find_borrower(session.state(), parse_target(lend->to), plan);
}
}  // namespace

int execute(const Session& session, const PlanArguments& arguments) {
  const auto* lend = std::get_if<LendArguments>(&arguments.of);
  const Plan plan = lend != nullptr ? make_plan(session.lending(), *lend, Reaping::no)
                                    : make_plan(std::get<RunArguments>(arguments.of));
  const auto borrower = borrower_of(session, arguments, plan);
  const auto reports = preview(session.lending(), plan, borrower ? &*borrower : nullptr);
  print(arguments.format == OutputFormat::text ? format_text(plan, reports)
                                               : format_json(plan_to_json(plan, reports)));
  const bool is_refused = std::any_of(reports.begin(), reports.end(),
                                      [](const auto& report) { return !report.refusals.empty(); });
  return is_refused ? kExitFailed : kExitSuccess;
}

}  // namespace netlend::cli
