#include "cli/plan_report.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/table.hpp"

namespace netlend::cli {

using json = nlohmann::ordered_json;

namespace {
constexpr std::size_t kWidth = 80;
constexpr std::size_t kTextMax = 1024;

std::string format_list(std::string_view name, const std::vector<std::string>& sentences) {
  std::string out;
  for (const auto& sentence : sentences) {
    const auto label = out.empty() ? name : std::string_view{};
    out += wrap(fmt::format("  {:<9} ", label), printable(sentence, kTextMax), kWidth);
  }
  return out;
}

json list_to_json(const std::vector<std::string>& sentences) {
  json array = json::array();
  for (const auto& sentence : sentences) array.push_back(bytes_to_utf8(sentence));
  return array;
}
}  // namespace

std::string format_text(const Plan& plan, const std::vector<PlanReport>& reports) {
  if (reports.empty()) return "nothing is lent\n";
  std::string out;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const NicPlan& nic = plan.nics.at(i);
    if (!out.empty()) out += '\n';
    out += fmt::format("{} = {}\n", printable(nic.inside.str()), printable(describe_source(nic)));
    out += format_list("changes", reports[i].changes);
    out += format_list("restored", reports[i].restored);
    out += format_list("lost", reports[i].lost);
    out += format_list("refused", reports[i].refusals);
  }
  return out;
}

json plan_to_json(const Plan& plan, const std::vector<PlanReport>& reports) {
  json devices = json::array();
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const NicPlan& nic = plan.nics.at(i);
    devices.push_back({{"inside", bytes_to_utf8(nic.inside.str())},
                       {"source", bytes_to_utf8(describe_source(nic))},
                       {"changes", list_to_json(reports[i].changes)},
                       {"restored", list_to_json(reports[i].restored)},
                       {"lost", list_to_json(reports[i].lost)},
                       {"refusals", list_to_json(reports[i].refusals)}});
  }
  return {{"netlend", 1}, {"devices", std::move(devices)}};
}

}  // namespace netlend::cli
