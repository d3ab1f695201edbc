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

/// "eth0 = lan0" of the report of that number: first those of devices, then those of addresses.
std::string title_of(const Plan& plan, std::size_t number) {
  if (number < plan.nics.size()) {
    const NicPlan& nic = plan.nics[number];
    return fmt::format("{} = {}", nic.inside.str(), describe_source(nic));
  }
  const AddressPlan& lent = plan.addresses.at(number - plan.nics.size());
  return fmt::format("{} = {}", lent.inside.str(), describe_addresses(lent));
}
}  // namespace

std::string format_text(const Plan& plan, const std::vector<PlanReport>& reports) {
  if (reports.empty()) return "nothing is lent\n";
  std::string out;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (!out.empty()) out += '\n';
    out += fmt::format("{}\n", printable(title_of(plan, i)));
    out += format_list("changes", reports[i].changes);
    out += format_list("restored", reports[i].restored);
    out += format_list("lost", reports[i].lost);
    out += format_list("refused", reports[i].refusals);
  }
  return out;
}

json plan_to_json(const Plan& plan, const std::vector<PlanReport>& reports) {
  json devices = json::array();
  json addresses = json::array();
  for (std::size_t i = 0; i < reports.size(); ++i) {
    json object;
    if (i < plan.nics.size()) {
      object["inside"] = bytes_to_utf8(plan.nics[i].inside.str());
      object["source"] = bytes_to_utf8(describe_source(plan.nics[i]));
    } else {
      const AddressPlan& lent = plan.addresses.at(i - plan.nics.size());
      object["inside"] = bytes_to_utf8(lent.inside.str());
      for (const auto& address : lent.addresses) object["addresses"].push_back(address.str());
      if (!reports[i].mode.empty()) object["mode"] = reports[i].mode;
    }
    object["changes"] = list_to_json(reports[i].changes);
    object["restored"] = list_to_json(reports[i].restored);
    object["lost"] = list_to_json(reports[i].lost);
    object["refusals"] = list_to_json(reports[i].refusals);
    (i < plan.nics.size() ? devices : addresses).push_back(std::move(object));
  }
  json result{{"netlend", 1}, {"devices", std::move(devices)}};
  if (!addresses.empty()) result["l3"] = std::move(addresses);
  return result;
}

}  // namespace netlend::cli
