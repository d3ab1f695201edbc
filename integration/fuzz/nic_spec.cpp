#include <map>

#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "net/plan/plan_parse.hpp"

namespace netlend::fuzz {

namespace {
constexpr std::string_view kSeparators = " \t\n;";

// "SPEC is the same on the command line and in an annotation" (DESIGN.md, 5), where INSIDE is part
// of the key.
void require_same_as_annotation(std::string_view spec, const std::optional<NicPlan>& nic) {
  const auto start = spec.find_first_not_of(kSeparators);
  if (start == std::string_view::npos) return;
  const auto equals = spec.find('=', start);
  if (equals == std::string_view::npos || equals + 1 == spec.size()) return;
  const auto inside = spec.substr(start, equals - start);
  const auto rest = spec.substr(equals + 1);
  // Blanks, commas and quotes are the annotation's own in a key; behind INSIDE= a source must
  // stand.
  if (inside.find_first_of(" \t\n;,\"'") != std::string_view::npos) return;
  if (kSeparators.find(rest.front()) != std::string_view::npos) return;
  constexpr std::size_t kSpecMaxBytes = 4096;
  if (spec.size() > kSpecMaxBytes) return;
  const std::map<std::string, std::string> annotation{
      {"io.netlend.nic." + std::string(inside), std::string(rest)}};
  const auto plan = accepted_from_user([&] { return parse_annotations(annotation); });
  require(plan.has_value() == nic.has_value(), "an annotation is accepted as its SPEC is");
  if (nic) require(plan->value() == Plan{.nics = {*nic}}, "an annotation says what its SPEC says");
}
}  // namespace

/// `--nic SPEC`.
void nic_spec(std::string_view input) {
  const auto nic = accepted_from_user([&] { return parse_nic_spec(input); });
  if (nic) require_plan_survives_a_file(Plan{.nics = {*nic}});
  require_same_as_annotation(input, nic);
}

}  // namespace netlend::fuzz
