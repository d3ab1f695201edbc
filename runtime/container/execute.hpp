#pragma once

#include <optional>
#include <string>
#include <vector>

#include "container/channel.hpp"

namespace netlend {

/// The list that execve(2) wants of `texts`, which it points into.
std::vector<char*> exec_array(const std::vector<std::string>& texts);

/// Executes `command`, looked up in the PATH of `environment` unless it has a '/'; returns only if
/// that fails: 127 where there is no such program, 126 where there is one that can't be executed.
/// A file without `#!` isn't handed to a shell. Source: execve(2).
StartFailure execute(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment);

/// Why execute() would fail for sure: no command, or none that is there or may be executed.
std::optional<StartFailure> why_not_executable(const std::vector<std::string>& command,
                                               const std::vector<std::string>& environment);

}  // namespace netlend
