#pragma once

#include <string>

#include "container/bundle_mount.hpp"
#include "oci-spec/config.hpp"

namespace netlend {

/// Makes a mount of type "cgroup": of each hierarchy the container's own group, at `cgroup_path`,
/// and nothing above it, in the layout that the machine has: version 2 alone, or a folder for each.
/// It is empty where the container has no group. Throws Error.
void mount_cgroups(const MountPlace& place, const oci::Mount& mount,
                   const std::string& cgroup_path);

}  // namespace netlend
