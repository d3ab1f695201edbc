#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/container_id.hpp"
#include "base/process.hpp"

namespace netlend {

/// Who asks by annotations: what the engine and the kernel say of a container, and whoever wrote
/// its image can't.
struct Asker {
  ContainerId id;
  /// Where its process is in the cgroup hierarchies, as the kernel says it: no `..` and no symlink
  /// is in it, whatever linux.cgroupsPath says. Absent: in the roots, or not in the same cgroup of
  /// all hierarchies.
  std::optional<std::string> cgroup = {};
  /// The folder of its config.json, without symlinks. Absent: there is no such folder.
  std::optional<std::string> bundle = {};
};

/// The one cgroup of a process, by the text of its /proc/PID/cgroup. Hierarchies in whose root it
/// is don't count. Absent: there is none, there are several, or it lies outside of what the
/// reader's cgroup namespace shows. Source: cgroups(7), cgroup_namespaces(7).
std::optional<std::string> own_cgroup(std::string_view proc_text);

/// The same of a process that is there. Throws Error (ENOENT: it isn't).
std::optional<std::string> read_own_cgroup(pid_t pid);

/// What is to be known of the container whose first process this is. Throws Error (ESRCH) if that
/// has ended.
Asker observe_asker(const ContainerId& id, const ProcessIdentity& process,
                    const std::string& bundle);

}  // namespace netlend
