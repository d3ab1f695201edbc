#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

/// One cgroup hierarchy, and its groups, which are named by absolute paths from the root that its
/// mount shows.
namespace netlend {

class Hierarchy {
 public:
  /// All that are mounted where every distribution mounts them: /sys/fs/cgroup itself is version 2,
  /// or a folder with one of each.
  static std::vector<Hierarchy> all();

  /// As in /proc/PID/cgroup: "cpu,cpuacct", "name=systemd"; empty for version 2.
  const std::string& name() const noexcept { return name_; }
  bool is_version_2() const noexcept { return name_.empty(); }
  bool has_controller(std::string_view controller) const;

  /// Makes a group and those above it, unless they are there; false where that isn't permitted, as
  /// on a read-only mount. Throws Error.
  bool make(const std::string& path) const;

  /// The group, opened; nothing if it isn't there.
  std::optional<UniqueFd> open(const std::string& path) const;

  /// The processes in a group and in those below it.
  std::vector<pid_t> processes(const std::string& path) const;

  /// Removes a group and those below it; an absent one is success. Throws Error (EBUSY: a process
  /// is in there).
  void remove(const std::string& path) const;

 private:
  Hierarchy(std::string name, UniqueFd root) : name_(std::move(name)), root_(std::move(root)) {}

  std::vector<std::string> with_descendants(const std::string& path) const;

  std::string name_;
  UniqueFd root_;
};

/// Writes to a file of a group.
void write_to_group(int group, const std::string& file, const std::string& content);

}  // namespace netlend
