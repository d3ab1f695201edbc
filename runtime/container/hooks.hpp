#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "oci-spec/config.hpp"

/// The hooks of a container. Source: runtime-spec, config.md, "POSIX-platform Hooks".
namespace netlend {

/// What the hooks of one stage are run with. Nothing else is asked of the process that runs them,
/// so that they can be run in the container's namespaces as well: no folder, no device, no /proc.
struct HookCall {
  /// As in config.json: "createRuntime".
  std::string_view stage;
  /// The container's state as JSON, for their standard input (oci::format_state()).
  std::string_view state;
  /// The folder they begin in: the bundle, or, for those that run in the container, its root.
  int working_folder = -1;
  /// Of those that have none of their own; absent: that of this process, as runc and crun do.
  const std::vector<std::string>* environment = nullptr;
};

/// Runs `hooks` one after the other, each alone with its arguments, its environment, and the
/// descriptors 0 to 2, until one fails: with an exit code, by a signal, or by its timeout, which
/// kills its process group. Throws Error with the last line it wrote. What a hook leaves running is
/// left alone; a hook whose runtime dies is killed.
void run_hooks(const HookCall& call, std::span<const oci::Hook> hooks);

/// As run_hooks(), but goes on past those that fail, and returns them: for poststop, where the spec
/// wants a warning and the others run.
Failures run_all_hooks(const HookCall& call, std::span<const oci::Hook> hooks) noexcept;

}  // namespace netlend
