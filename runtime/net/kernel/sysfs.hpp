#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "net/kernel/netns.hpp"

namespace netlend {

/// The root of a sysfs that shows the devices of `netns`, mounted for nobody but who has the
/// descriptor: /sys shows those of whoever mounted it. Nothing where we may not mount one, or the
/// kernel has none. Source: fs/sysfs/mount.c, sysfs_init_fs_context; fsmount(2).
std::optional<UniqueFd> open_sysfs(const Netns& netns);

/// The last component of what the symlink `path` under `folder` (AT_FDCWD, if it is absolute) leads
/// to, as sysfs names another device. Nothing, and errno, where it can't be read.
std::optional<std::string> read_link_name(int folder, const std::string& path);

}  // namespace netlend
