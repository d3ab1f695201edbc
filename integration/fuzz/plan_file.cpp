#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "net/plan/plan_parse.hpp"

namespace netlend::fuzz {

/// The text of `--plan FILE`.
void plan_file(std::string_view input) {
  const auto plan = accepted_from_user([&] { return parse_plan_file(input); });
  if (!plan) return;
  check_plan(*plan);
  require_plan_survives_a_file(*plan);
}

}  // namespace netlend::fuzz
