#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "net/plan/plan_parse.hpp"

namespace netlend::fuzz {

namespace {
std::map<std::string, std::string> split_annotations(std::string_view input) {
  std::map<std::string, std::string> annotations;
  for (const auto line : split_words(input, "\n")) {
    const auto blank = std::min(line.find(' '), line.size());
    const auto value = line.substr(std::min(blank + 1, line.size()));
    annotations.emplace(line.substr(0, blank), value);
  }
  return annotations;
}
}  // namespace

/// The annotations of a container, a line "KEY VALUE" each.
void annotations(std::string_view input) {
  auto map = split_annotations(input);
  const auto result = accepted_from_user([&] { return parse_annotations(map); });
  if (!result) return;
  const bool has_ours = std::any_of(map.begin(), map.end(), [](const auto& annotation) {
    return annotation.first.starts_with("io.netlend.");
  });
  require(result->has_value() == has_ours, "there is a plan where an annotation asks for one");
  if (!has_ours) return;
  const Plan& plan = **result;
  check_plan(plan);
  require_plan_survives_a_file(plan);
  map.emplace("org.example.other", "eth0=lan0");
  require(parse_annotations(map) == plan, "annotations of others are passed over");
}

}  // namespace netlend::fuzz
