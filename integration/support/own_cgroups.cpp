#include "support/own_cgroups.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend::test {

namespace {
constexpr std::size_t kFileMaxBytes = 65536;
constexpr const char* kMountPoint = "/sys/fs/cgroup";

void configure(int filesystem, unsigned command, const char* key, const char* value) {
  check(::fsconfig(filesystem, command, key, value, 0), "configure cgroup option", key);
}

// The hierarchy as a mount that is attached nowhere, with this cgroup namespace's root as its root.
UniqueFd mount_hierarchy(const std::string& controllers) {
  const char* type = controllers.empty() ? "cgroup2" : "cgroup";
  const UniqueFd filesystem{check(::fsopen(type, FSOPEN_CLOEXEC), "open file system", type)};
  for (const auto word : split_words(controllers, ",")) {
    const std::string controller{word};
    if (controller.starts_with("name=")) {
      configure(filesystem.get(), FSCONFIG_SET_FLAG, "none", nullptr);
      configure(filesystem.get(), FSCONFIG_SET_STRING, "name", controller.c_str() + 5);
    } else {
      configure(filesystem.get(), FSCONFIG_SET_FLAG, controller.c_str(), nullptr);
    }
  }
  check(::fsconfig(filesystem.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "make cgroup mount",
        controllers);
  return UniqueFd{
      check(::fsmount(filesystem.get(), FSMOUNT_CLOEXEC, 0), "make cgroup mount", controllers)};
}

void write_file(int folder, const char* name, const std::string& content) {
  const UniqueFd file{check(::openat(folder, name, O_WRONLY | O_CLOEXEC), "open", name)};
  write_all(file.get(), content, name);
}

void remove_tree(int parent, const std::string& name) {
  const auto folder = open_directory(parent, name);
  for (const auto& entry : list_names(folder.get())) {
    struct stat status {};
    check(::fstatat(folder.get(), entry.c_str(), &status, AT_SYMLINK_NOFOLLOW), "look at", entry);
    if (S_ISDIR(status.st_mode)) remove_tree(folder.get(), entry);
  }
  check(::unlinkat(parent, name.c_str(), AT_REMOVEDIR), "remove cgroup", name);
}

std::string folder_of(const std::string& controllers) {
  if (controllers.empty()) return "unified";
  return controllers.starts_with("name=") ? controllers.substr(5) : controllers;
}
}  // namespace

OwnCgroups::OwnCgroups() : name_("netlend-test-" + random_hex(8)) {
  // Each line is ID:CONTROLLERS:PATH. Source: cgroups(7), /proc/PID/cgroup.
  const auto lines = read_file(AT_FDCWD, "/proc/self/cgroup", kFileMaxBytes);
  for (const auto line : split_words(lines, "\n")) {
    const auto begin = line.find(':') + 1;
    const std::string controllers{line.substr(begin, line.find(':', begin) - begin)};
    auto parent = mount_hierarchy(controllers);
    check(::mkdirat(parent.get(), name_.c_str(), 0755), "make cgroup", name_);
    // A new cpuset is empty, and nothing can run in it.
    if (controllers.find("cpuset") != std::string::npos) {
      const auto group = open_directory(parent.get(), name_);
      for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
        write_file(group.get(), file, read_file(parent.get(), file, kFileMaxBytes));
      }
    }
    hierarchies_.push_back({controllers, std::move(parent)});
  }
}

void OwnCgroups::enter() const {
  for (const auto& hierarchy : hierarchies_) {
    const auto group = open_directory(hierarchy.parent.get(), name_);
    write_file(group.get(), "cgroup.procs", "0");
  }
  check(::unshare(CLONE_NEWCGROUP), "make", "a cgroup namespace");
  const bool version_2_alone = hierarchies_.size() == 1 && hierarchies_[0].controllers.empty();
  if (!version_2_alone) {
    check(::mount("tmpfs", kMountPoint, "tmpfs", MS_NOSUID, "mode=755"), "mount", kMountPoint);
  }
  for (const auto& hierarchy : hierarchies_) {
    std::string path = kMountPoint;
    if (!version_2_alone) {
      path += '/' + folder_of(hierarchy.controllers);
      check(::mkdir(path.c_str(), 0755), "make", path);
    }
    const auto mount = mount_hierarchy(hierarchy.controllers);
    check(::move_mount(mount.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH), "mount",
          path);
  }
}

Failures OwnCgroups::remove() const noexcept {
  Failures failures;
  for (const auto& hierarchy : hierarchies_) {
    attempt(failures, [&] { remove_tree(hierarchy.parent.get(), name_); });
  }
  return failures;
}

}  // namespace netlend::test
