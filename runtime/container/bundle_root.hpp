#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "container/bundle_mount.hpp"
#include "oci-spec/config.hpp"

namespace netlend {

/// How the container's root becomes the root of its processes.
enum class RootChange {
  pivot,
  /// By moving the mount and chroot(2): for a host whose root can't be pivoted away from (an
  /// initramfs). It is no wall against who has CAP_SYS_CHROOT.
  move
};

/// Makes a mount of type "cgroup".
using CgroupMounter = std::function<void(const MountPlace& place, const oci::Mount& mount)>;

/// The root of a container with a bundle, made in a new mount namespace whose root is still the
/// host's.
class BundleRoot {
 public:
  /// Mounts the root on itself, all mounts of the config in their order, and makes the devices. No
  /// mount of it reaches the host. Throws Error with the JSON pointer.
  BundleRoot(const oci::Config& config, const std::string& bundle, const CgroupMounter& cgroup);

  /// Hides and protects the paths of the config, and makes it the root and working folder of this
  /// process; the folder that the container's process is to work in is made if it is missing.
  /// Throws Error.
  void enter(RootChange change);

 private:
  const oci::Config& config_;
  UniqueFd root_;
  std::vector<UniqueFd> read_only_later_;
};

}  // namespace netlend
