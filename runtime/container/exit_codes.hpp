#pragma once

namespace netlend {

/// Exit codes of `netlend run` that aren't the command's own; the same as podman's and docker's.
inline constexpr int kExitNetlendFailed = 125;
inline constexpr int kExitCannotExecute = 126;
inline constexpr int kExitNotFound = 127;

}  // namespace netlend
