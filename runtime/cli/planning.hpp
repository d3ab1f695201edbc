#pragma once

#include "cli/arguments.hpp"
#include "net/lending.hpp"
#include "net/plan/plan.hpp"
#include "net/select.hpp"

namespace netlend::cli {

/// Throws Error (usage) for `netlend run true`, where `netlend run -- true` is meant: there is no
/// bundle.
void check_is_no_command(const BundleArguments& arguments);

/// What `--nic` and `--plan` together ask for. Throws Error (usage).
Plan make_plan(const RunArguments& arguments);
Plan make_plan(const BundleArguments& arguments);
/// The same for `lend`. A device that is named by anything but its name keeps its name inside,
/// unless there is another for it; so it is looked for. Throws Error.
Plan make_plan(const LendingContext& context, const LendArguments& arguments, Reaping reaping);

}  // namespace netlend::cli
