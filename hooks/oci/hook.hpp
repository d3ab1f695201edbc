#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace netlend {

/// When the engine calls. Source: runtime-spec, config.md, "POSIX-platform Hooks".
enum class HookStage { create_runtime, poststop };

struct HookArguments {
  HookStage stage = HookStage::create_runtime;
  unsigned deadline_s = 20;
  bool operator==(const HookArguments&) const = default;
};

/// `createRuntime|prestart|poststop [--deadline SECONDS]`; prestart is what runtimes before 1.0.2
/// have instead of createRuntime. Throws Error (usage).
HookArguments parse_hook_arguments(const std::vector<std::string>& arguments);

/// Lends what the annotations of the container ask for and the policy allows, or at poststop gives
/// back what its ledgers hold. `state` is the text of the container's state. Returns what couldn't
/// be given back. Throws Error; then nothing is lent.
Failures run_hook(HookStage stage, std::string_view state);

}  // namespace netlend
