#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "oci-spec/config.hpp"

/// The cgroup of a container: a folder of the same path in every hierarchy that is mounted below
/// /sys/fs/cgroup, be it version 2, version 1, or both. Source: cgroups(7).
namespace netlend {

/// Where the container's cgroup is, from the root that this process sees: an absolute
/// `linux.cgroupsPath` as it is, a relative one below "/netlend", and "/netlend/ID" without one.
std::string cgroup_path(const std::optional<std::string>& cgroups_path, const ContainerId& id);

/// What another process needs to find a cgroup again: for the container's record on disk.
struct CgroupRecord {
  std::string path;
  /// The hierarchies, as /proc/PID/cgroup names them, in which it was made by us and is ours to
  /// remove.
  std::vector<std::string> made;
  bool operator==(const CgroupRecord&) const = default;
};

/// Why no container can be given the device rules that every one has; nothing: it can.
std::optional<std::string> why_no_device_rules();

class Cgroup {
 public:
  /// What make() would make: on disk before it is made, it lets nothing be left behind for good.
  static CgroupRecord plan(const std::string& path);

  /// Makes it, and sets what the resources ask for and which devices every container has
  /// (device_rules.hpp). Nothing if no cgroup can be made (none is mounted, or they are read-only)
  /// and the resources ask for nothing: such a container runs without.
  /// Throws Error, and leaves nothing behind, if they do ask for something, or if processes run in
  /// a cgroup of this path already. Groups above it that were missing stay.
  static std::optional<Cgroup> make(const CgroupRecord& plan, const oci::Resources& resources);

  /// The one that is there, or was.
  explicit Cgroup(CgroupRecord record) : record_(std::move(record)) {}

  const CgroupRecord& record() const noexcept { return record_; }

  /// Moves a process into it, with all its threads; what it has started before stays where it is.
  void add(pid_t pid) const;

  bool exists() const;

  /// The processes in it and below; 0 stands for one that can't be seen from this pid namespace.
  std::vector<pid_t> processes() const;

  /// SIGKILL for every process in it and below, until none is left or 10 s have passed.
  Failures kill_all() const noexcept;

  /// Removes what plan() said, and what the container has made below; it must be empty. What is
  /// gone already is success.
  Failures remove() const noexcept;

 private:
  CgroupRecord record_;
};

}  // namespace netlend
