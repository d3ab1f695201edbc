#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "oci-spec/config.hpp"

namespace netlend {

/// Where the mounts of config.json go.
struct MountPlace {
  /// The container's root, opened by O_PATH and mounted in this mount namespace.
  int root = -1;
  /// The absolute path that sources of bind mounts are relative to.
  std::string bundle;
};

/// Makes one mount, but those of type "cgroup". Its destination is resolved with the container's
/// root as root and made if it is missing; nothing is mounted inside /proc but the files that lxcfs
/// provides, since what we and others write there must reach the kernel (CVE-2019-16884,
/// CVE-2025-52881). Returns a mount that is to be read-only once there is nothing left to be made
/// below it, as /dev can be. Throws Error.
std::optional<UniqueFd> make_mount(const MountPlace& place, const oci::Mount& mount);

}  // namespace netlend
