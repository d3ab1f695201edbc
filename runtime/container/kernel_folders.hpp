#pragma once

#include "base/unique_fd.hpp"

/// The folders that the kernel or a memory file system fills: each is made whole and detached, or
/// on a folder of a root that nothing else uses yet.
namespace netlend {

/// A procfs of this process's pid namespace, detached.
UniqueFd make_proc();

/// Hides or write-protects what in an attached procfs isn't the container's own. `null_device` is a
/// node that covers files, opened by O_PATH.
void protect_proc(int proc, int null_device);

/// A read-only sysfs of this process's network namespace on `sys`. Its cgroup folder is empty:
/// there is nothing in it for a container without limits, and a hierarchy would be a way to the
/// host's.
void mount_sys(int sys);

/// /dev on the folder `dev`: a small memory file system with the standard nodes, links, a private
/// devpts, shm and mqueue. Needs CAP_MKNOD. Returns it, opened.
UniqueFd mount_dev(int dev);

}  // namespace netlend
