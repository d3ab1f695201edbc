#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace netlend {

/// When the engine calls. Source: runtime-spec, config.md, "POSIX-platform Hooks"; the first is
/// podman's, oci-hooks(5).
enum class HookStage { precreate, create_runtime, poststop };

struct HookArguments {
  /// Absent: the one that the container's status tells.
  std::optional<HookStage> stage;
  unsigned deadline_s = 20;
  bool operator==(const HookArguments&) const = default;
};

/// `[precreate|createRuntime|prestart|poststop] [--deadline SECONDS]`; prestart is what runtimes
/// before 1.0.2 have instead of createRuntime. Without a stage one file of hooks.d, which has one
/// list of arguments, serves all stages but precreate. Throws Error (usage).
HookArguments parse_hook_arguments(const std::vector<std::string>& arguments);

/// The stage that an engine is in if it names none. Throws Error unless it is one of HookStage.
HookStage stage_of_status(std::string_view status);

using HookNote = std::function<void(std::string_view note)>;

/// At precreate: the config.json that the engine is to use in place of this one, which can be the
/// same. Throws Error.
std::string run_precreate(const std::string& config);

/// Lends what the annotations of the container ask for and the policy allows, or at poststop gives
/// back what its ledgers hold. `state` is the text of the container's state. Returns what couldn't
/// be given back. `note` hears what somebody should know and nothing ends for. Throws Error; then
/// nothing is lent.
Failures run_hook(std::optional<HookStage> stage, std::string_view state, const HookNote& note);

}  // namespace netlend
