#pragma once

#include <sys/mount.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

/// The mount calls that work on file descriptors: nothing is named twice, so nobody can put a
/// symlink in between (CVE-2021-30465, GHSA-3q8j-pf29-vwv8). Source: mount_setattr(2), Linux 5.12.
namespace netlend {

inline constexpr unsigned kNoSuidDev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
inline constexpr unsigned kNoSuidDevExec = kNoSuidDev | MOUNT_ATTR_NOEXEC;

using MountOptions = std::vector<std::pair<const char*, std::string>>;

/// A new file system of `type`, attached nowhere yet. An option with an empty value is a flag.
/// Throws Error (ENODEV: the kernel hasn't got it).
UniqueFd make_filesystem(const char* type, const MountOptions& options, unsigned attributes);

enum class Depth { one_mount, recursive };

/// A detached copy of the mount tree at `location`; what is mounted unbindable below is left out.
UniqueFd clone_tree(int location, Depth depth);

/// Sets the attributes on a tree, and makes it private: no mount of the host's appears in it later.
void restrict_tree(int tree, unsigned attributes, Depth depth);

/// Mounts `tree` on `location`, which stays reachable only below it.
void attach(int tree, int location);

/// An O_PATH descriptor of `path` as seen with `root` as root; magic links are refused.
/// Throws Error (ENOENT: it isn't there).
UniqueFd open_in_root(int root, const std::string& path);

/// True if `path` is there for open_in_root().
bool exists_in_root(int root, const std::string& path);

}  // namespace netlend
