#pragma once

#include <vector>

#include "base/unique_fd.hpp"
#include "oci-spec/config.hpp"

/// Device nodes, each made below a folder that is open already: what is at a path there, a symlink
/// of the image for instance, is never followed (CVE-2019-18837, CVE-2026-41579).
namespace netlend {

/// null, zero, full, random, urandom, tty and the links fd, stdin, stdout, stderr and ptmx in the
/// folder `dev`. A node that is there already stays if it is the same, a link whatever
/// it is. Needs CAP_MKNOD. Throws Error (EEXIST: something else has a node's name). Source:
/// runtime-spec, config-linux.md, "Default Devices" and "/dev symbolic links".
void make_default_devices(int dev);

/// In the folder `dev`, what mount_console() mounts on, for a /dev that is read-only by then.
void make_console_point(int dev);

/// The devices of config.json, in the root `root`. Throws Error with their JSON pointer.
void make_devices(int root, const std::vector<oci::Device>& devices);

/// The machine's /dev/null, opened by O_PATH. Throws Error if that is something else
/// (CVE-2025-31133).
UniqueFd open_null_device();

}  // namespace netlend
