#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace netlend::test {

/// A fresh group below this process's own in every cgroup hierarchy of the machine, for a child of
/// this process to be the root of.
class OwnCgroups {
 public:
  OwnCgroups();

  /// Moves this process into them, makes them the roots of a new cgroup namespace, and mounts that
  /// on /sys/fs/cgroup in the layout the machine has: version 2 alone, or a folder each.
  void enter() const;

  /// Removes them and all that was made in them; nothing may run there any more.
  Failures remove() const noexcept;

 private:
  struct Hierarchy {
    /// As in /proc/self/cgroup: "cpu,cpuacct", "name=systemd"; empty for version 2.
    std::string controllers;
    UniqueFd parent;
  };

  std::string name_;
  std::vector<Hierarchy> hierarchies_;
};

}  // namespace netlend::test
