#include "container/devices.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/syscall.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
constexpr mode_t kEverybody = 0666;
constexpr mode_t kOwners = 0600;
constexpr unsigned kMemoryMajor = 1;
constexpr unsigned kNullMinor = 3;
constexpr unsigned kPtmxMajor = 5;
constexpr unsigned kPtmxMinor = 2;

struct Node {
  const char* name;
  unsigned major;
  unsigned minor;
};
// Source: Documentation/admin-guide/devices.txt.
constexpr std::array kNodes{Node{"null", kMemoryMajor, kNullMinor}, Node{"zero", kMemoryMajor, 5},
                            Node{"full", kMemoryMajor, 7},          Node{"random", kMemoryMajor, 8},
                            Node{"urandom", kMemoryMajor, 9},       Node{"tty", 5, 0}};

struct Link {
  const char* name;
  const char* target;
};
constexpr std::array kLinks{Link{"fd", "/proc/self/fd"}, Link{"stdin", "/proc/self/fd/0"},
                            Link{"stdout", "/proc/self/fd/1"}, Link{"stderr", "/proc/self/fd/2"},
                            Link{"ptmx", "pts/ptmx"}};

bool is_there(int folder, const char* name, mode_t type, dev_t device) {
  struct stat status {};
  check(::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW), "stat the device", name);
  return (status.st_mode & S_IFMT) == type && (type == S_IFIFO || status.st_rdev == device);
}

/// False if the very same node is there already.
bool make_node(int folder, const char* name, mode_t mode, dev_t device) {
  if (::mknodat(folder, name, mode, device) == 0) return true;
  const int errno_value = errno;
  if (errno_value == EEXIST && is_there(folder, name, mode & S_IFMT, device)) return false;
  throw_errno(errno_value, "make the device", name);
}

void make_link(int dev, const Link& link) {
  if (::symlinkat(link.target, dev, link.name) == 0) return;
  // An image may have a /dev of its own, where another link serves as well.
  if (errno != EEXIST) throw_errno(errno, "make in /dev the link", link.name);
}

/// What the link /dev/ptmx leads to: engines name it with all others of the host's.
bool is_ptmx(const oci::Device& device) {
  return device.path == "/dev/ptmx" && S_ISCHR(device.mode) && device.major == kPtmxMajor &&
         device.minor == kPtmxMinor;
}

void make_device(int root, const oci::Device& device) {
  if (is_ptmx(device)) return;
  const auto end = device.path.find_last_not_of('/') + 1;
  const auto slash = device.path.rfind('/', end - 1);
  const auto folder = make_in_root(root, device.path.substr(0, slash + 1), MountPoint::folder);
  const std::string name = device.path.substr(slash + 1, end - slash - 1);
  if (!make_node(folder.get(), name.c_str(), device.mode, ::makedev(device.major, device.minor))) {
    return;
  }
  check(::fchownat(folder.get(), name.c_str(), device.uid, device.gid, AT_SYMLINK_NOFOLLOW),
        "set the owner of the device", device.path);
}
}  // namespace

void make_default_devices(int dev) {
  for (const auto& node : kNodes) {
    make_node(dev, node.name, S_IFCHR | kEverybody, ::makedev(node.major, node.minor));
  }
  for (const auto& link : kLinks) make_link(dev, link);
}

void make_console_point(int dev) {
  if (::mknodat(dev, "console", S_IFREG | kOwners, 0) == 0 || errno == EEXIST) return;
  throw_errno(errno, "make in /dev", "console");
}

void make_devices(int root, const std::vector<oci::Device>& devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    try {
      make_device(root, devices[i]);
    } catch (const Error& error) {
      throw error.within(fmt::format("/linux/devices/{}", i));
    }
  }
}

UniqueFd open_null_device() {
  UniqueFd device{check(::open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", "/dev/null")};
  struct stat status {};
  check(::fstat(device.get(), &status), "stat", "/dev/null");
  if (!S_ISCHR(status.st_mode) || status.st_rdev != ::makedev(kMemoryMajor, kNullMinor)) {
    throw Error("the machine's /dev/null is no null device; nothing can be hidden by it");
  }
  return device;
}

}  // namespace netlend
