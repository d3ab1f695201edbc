#include "container/kernel_file_systems.hpp"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr std::size_t kMountinfoMaxBytes = 16UL * 1024 * 1024;

// Windows into the kernel of the whole machine, and triggers of the host's automounter.
constexpr std::array kKernelFileSystems{
    "autofs",     "binfmt_misc", "bpf",       "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
    "devtmpfs",   "efivarfs",    "mqueue",    "nfsd",   "nsfs",    "proc",     "pstore",  "resctrl",
    "rpc_pipefs", "securityfs",  "selinuxfs", "sysfs",  "tracefs", "fusectl"};

/// A path of mountinfo, where blanks and backslashes are octal: proc_pid_mountinfo(5).
std::string unescape(std::string_view text) {
  constexpr std::size_t kDigits = 3;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + kDigits < text.size()) {
      const auto digit = [&](std::size_t at) { return text[i + at] - '0'; };
      plain.push_back(static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3)));
      i += kDigits;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

struct MountedThere {
  std::string point;
  bool is_kernels = false;
};

std::vector<MountedThere> read_mounts(int proc) {
  constexpr std::size_t kMountPointField = 4;
  const UniqueFd file{
      check(::openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC), "open", "mountinfo")};
  const auto text = read_all(file.get(), kMountinfoMaxBytes, "mountinfo");
  std::vector<MountedThere> mounts;
  for (const auto line : split_words(text, "\n")) {
    const auto separator = line.find(" - ");
    if (separator == std::string_view::npos) continue;
    const auto fields = split_words(line.substr(0, separator), " ");
    const auto rest = split_words(line.substr(separator), " ");
    if (fields.size() <= kMountPointField || rest.size() < 2) continue;
    mounts.push_back(
        {.point = unescape(fields[kMountPointField]),
         .is_kernels = std::ranges::find(kKernelFileSystems, rest[1]) != kKernelFileSystems.end()});
  }
  return mounts;
}

bool is_spared(std::string_view point, std::string_view spared) {
  return !spared.empty() && point.starts_with(spared) &&
         (point.size() == spared.size() || point[spared.size()] == '/');
}

/// EINVAL, ENOENT: it went with the mount that it was on, or another mount hides its folder.
bool is_done(int result, std::string_view doing, const std::string& point) {
  if (result == 0) return true;
  if (errno != EINVAL && errno != ENOENT) throw_errno(errno, doing, point);
  return false;
}
}  // namespace

void detach_kernel_file_systems(int proc, std::string_view spared) {
  // What is detached here would be detached wherever the mount that it is on is shared to.
  for (const auto& [point, is_kernels] : read_mounts(proc)) {
    if (is_spared(point, spared)) continue;
    is_done(::mount(nullptr, point.c_str(), nullptr, MS_SLAVE, nullptr), "cut off", point);
  }
  // Again and again, since a mount may hide another; until none is left that a path leads to.
  for (bool found = true; found;) {
    found = false;
    for (const auto& [point, is_kernels] : read_mounts(proc)) {
      if (!is_kernels || is_spared(point, spared)) continue;
      const int result = ::umount2(point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
      found = is_done(result, "detach", point) || found;
    }
  }
}

}  // namespace netlend
