#pragma once

#include <optional>
#include <string>
#include <vector>

namespace netlend {

/// What a container without a bundle sees of the host.
struct HostRootOptions {
  /// Absolute paths below the covered folders that stay visible, read-only.
  std::vector<std::string> show;
  /// The content of its /etc/resolv.conf; absent: the host's file as it is.
  std::optional<std::string> resolv_conf;
};

/// Makes the host's root, read-only in every mount of it, the root of this process, which must be
/// the first of new mount, pid, network, ipc and cgroup namespaces. Its own are /proc and /sys
/// (read only where they reach the host), /dev, /tmp, and, empty, /root, /home, /run and the
/// engines' folders. Set-user-id bits and device nodes of the host do nothing, and kernel file
/// systems that the host has mounted elsewhere (a chroot's /proc would lead to the host's processes
/// and through them to its root) are gone. No mount leads back, and none is shared with the host.
/// A limit that read-only mounts have: sockets and FIFOs in what is visible can be written to.
/// The working folder afterwards is /. Throws Error.
void enter_host_root(const HostRootOptions& options);

}  // namespace netlend
