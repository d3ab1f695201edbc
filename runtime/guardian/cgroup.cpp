#include "guardian/cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
// Not "netlend" itself: a group of version 2 with processes in it can't give its own groups, those
// of containers, any controllers. No container's id begins with a dot.
constexpr std::array kPath{"netlend", ".guardian"};
constexpr mode_t kGroupMode = 0755;
constexpr std::size_t kMountInfoMaxBytes = std::size_t{4} << 20;
constexpr std::size_t kCpusetMaxBytes = 4096;

/// The roots of all mounted hierarchies. Source: proc(5), /proc/PID/mountinfo.
std::vector<std::string> hierarchies() {
  constexpr std::size_t kRootField = 3;
  constexpr std::size_t kMountPointField = 4;
  const auto text = read_file(AT_FDCWD, "/proc/self/mountinfo", kMountInfoMaxBytes);
  std::vector<std::string> roots;
  for (const auto line : split_words(text, "\n")) {
    const auto optional_end = line.find(" - ");
    if (optional_end == std::string_view::npos) continue;
    const auto type = line.substr(optional_end + 3);
    const auto fields = split_words(line.substr(0, optional_end), " ");
    // A part of a hierarchy, as a container is shown it, is no place to get away from that
    // container.
    if (fields.size() <= kMountPointField || fields[kRootField] != "/") continue;
    if (type.starts_with("cgroup ") || type.starts_with("cgroup2 ")) {
      roots.emplace_back(fields[kMountPointField]);
    }
  }
  return roots;
}

/// A new group of a cpuset hierarchy takes nobody before it has both; others have no such files.
void copy_cpuset(int root, int group) {
  for (const char* name : {"cpuset.cpus", "cpuset.mems"}) {
    const auto value = read_file_if_exists(root, name, kCpusetMaxBytes);
    if (!value) continue;
    const UniqueFd file{check(::openat(group, name, O_WRONLY | O_CLOEXEC), "open", name)};
    write_all(file.get(), *value, name);
  }
}

UniqueFd make_group(int parent, const char* name) {
  if (::mkdirat(parent, name, kGroupMode) == -1 && errno != EEXIST) {
    throw_errno(errno, "make cgroup", name);
  }
  UniqueFd group = open_directory(parent, name);
  Failures ignored;  // Pure cgroup 2 has these files too, and needs nothing in them.
  attempt(ignored, [&] { copy_cpuset(parent, group.get()); });
  return group;
}

void move_into(const std::string& hierarchy) {
  UniqueFd group = open_directory(AT_FDCWD, hierarchy);
  for (const char* name : kPath) group = make_group(group.get(), name);
  const UniqueFd members{check(::openat(group.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC),
                               "open the cgroup of", hierarchy)};
  write_all(members.get(), "0", hierarchy);
}
}  // namespace

bool can_leave_cgroups() {
  const auto all = hierarchies();
  return std::any_of(all.begin(), all.end(),
                     [](const std::string& root) { return ::access(root.c_str(), W_OK) == 0; });
}

void leave_cgroups() noexcept {
  Failures ignored;
  attempt(ignored, [&] {
    for (const auto& hierarchy : hierarchies()) {
      attempt(ignored, [&] { move_into(hierarchy); });
    }
  });
}

}  // namespace netlend
