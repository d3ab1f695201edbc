#pragma once

#include <sys/mount.h>

#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

/// The mount calls that work on file descriptors: nothing is named twice, so nobody can put a
/// symlink in between (CVE-2021-30465, GHSA-3q8j-pf29-vwv8). Source: mount_setattr(2), Linux 5.12.
namespace netlend {

inline constexpr unsigned kNoSuidDev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
inline constexpr unsigned kNoSuidDevExec = kNoSuidDev | MOUNT_ATTR_NOEXEC;

using MountOptions = std::vector<std::pair<std::string, std::string>>;

/// A new file system of `type`, attached nowhere yet. An option with an empty value is a flag.
/// `source` is a device, or whatever mount(8) is to show; empty: the type. Throws Error with the
/// kernel's own text where it has one (ENODEV: the kernel hasn't got the type).
UniqueFd make_filesystem(const std::string& type, const MountOptions& options, unsigned attributes,
                         const std::string& source = {});

/// Changes the parameters of the file system that is mounted at `location`.
void reconfigure_filesystem(int location, const MountOptions& options);

enum class Depth { one_mount, recursive };

/// A detached copy of the mount tree at `location`; what is mounted unbindable below is left out.
UniqueFd clone_tree(int location, Depth depth);

/// Sets the attributes on a tree, and makes it private: no mount of the host's appears in it later.
void restrict_tree(int tree, unsigned attributes, Depth depth);

/// Changes attributes and propagation of a mount as mount_setattr(2) is told to.
void change_mount(int mount, const mount_attr& wanted, Depth depth);

/// Mounts `tree` on `location`, which stays reachable only below it.
void attach(int tree, int location);

/// An O_PATH descriptor of `path` as seen with `root` as root; magic links are refused.
/// Throws Error (ENOENT: it isn't there).
UniqueFd open_in_root(int root, const std::string& path);

/// As open_in_root(), but refuses symlinks anywhere on the way (ELOOP).
UniqueFd open_in_root_without_links(int root, const std::string& path);

/// True if `path` is there for open_in_root().
bool exists_in_root(int root, const std::string& path);

enum class MountPoint { folder, file };

/// Opens `path` in `root` as open_in_root(), and makes what is missing of it first: folders, and at
/// its end a folder or an empty file. A symlink that leads nowhere, as many an image has for its
/// resolv.conf, leads to what is made. Nothing outside of `root` is touched whatever symlinks are
/// on the way (CVE-2024-45310). Throws Error.
UniqueFd make_in_root(int root, const std::string& path, MountPoint kind);

}  // namespace netlend
