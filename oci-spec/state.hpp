#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/container_id.hpp"
#include "oci-spec/fields.hpp"

namespace netlend::oci {

/// What a runtime tells its hooks on their standard input. Source: runtime-spec, runtime.md,
/// "State".
struct State {
  std::string oci_version;
  ContainerId id;
  /// "creating", "created", "running", "stopped", or what else the runtime has.
  std::string status;
  /// Absent where there is no process (any more).
  std::optional<pid_t> pid;
  /// An absolute path.
  std::string bundle;
  /// Absent where the runtime says nothing about them.
  std::optional<Annotations> annotations;
  bool operator==(const State&) const = default;
};

/// Members that the spec doesn't name are passed over. Throws Error with a JSON pointer.
State parse_state(std::string_view json_text);

/// The state as JSON in one line. Throws Error for what JSON can't hold: a bundle's path that is
/// not UTF-8.
std::string format_state(const State& state);

}  // namespace netlend::oci
