#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "net/lending.hpp"
#include "net/plan/plan.hpp"

namespace netlend::cli {

/// What `netlend plan` says: `reports` is in the order of the plan's devices.
std::string format_text(const Plan& plan, const std::vector<PlanReport>& reports);
nlohmann::ordered_json plan_to_json(const Plan& plan, const std::vector<PlanReport>& reports);

}  // namespace netlend::cli
