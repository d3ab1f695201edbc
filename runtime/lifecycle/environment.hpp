#pragma once

#include <string>
#include <vector>

namespace netlend {

/// The environment of a command without a bundle, made from the caller's: what describes the
/// terminal, the language and the time zone stays. PATH is the system's, HOME is /root, the
/// container's own and empty, since the caller's folder isn't there; and nothing else goes in, as a
/// caller's environment holds secrets and paths that mean nothing inside. `env(1)` in front of the
/// command sets more. Entries are "NAME=VALUE".
std::vector<std::string> command_environment(const std::vector<std::string>& caller);

/// This process's environment.
std::vector<std::string> own_environment();

}  // namespace netlend
