#pragma once

#include "cli/arguments.hpp"
#include "net/plan.hpp"

namespace netlend::cli {

/// What `--nic` and `--plan` together ask for. Throws Error (usage).
Plan make_plan(const RunArguments& arguments);
Plan make_plan(const BundleArguments& arguments);
Plan make_plan(const LendArguments& arguments);

}  // namespace netlend::cli
