#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/process.hpp"
#include "net/kernel/netns.hpp"

namespace netlend {

/// The cgroup of the pod that a container in this cgroup is of: the one above it, if its name has
/// an id that an engine made up. podman's: PARENT/POD/libpod-ID, and of its systemd manager
/// PARENT/machine-libpod_pod_POD.slice/libpod-ID.scope.
std::optional<std::string> pod_of(std::string_view cgroup);

/// Whether both processes are of containers of one pod, by where they are in the cgroups, and the
/// newcomer's network namespace is the pod's: yet another container of the pod lives in it.
bool is_of_same_pod(const ProcessIdentity& newcomer, const Netns& netns,
                    const ProcessIdentity& member);

}  // namespace netlend
