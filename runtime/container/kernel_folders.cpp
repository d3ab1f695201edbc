#include "container/kernel_folders.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/syscall.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
// The lists of runc's and podman's defaults: what shows or changes the whole machine.
constexpr std::array kMaskedInProc{
    "acpi",        "asound", "interrupts",    "kcore",       "keys", "kpagecount", "kpageflags",
    "kpagecgroup", "kmsg",   "latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats"};
constexpr std::array kReadOnlyInProc{"bus", "fs", "irq", "sys", "sysrq-trigger"};
constexpr std::array kMaskedInSys{"firmware",     "devices/virtual/powercap",
                                  "fs/selinux",   "fs/bpf",
                                  "kernel/debug", "kernel/tracing"};

void cover(int location, int null_device) {
  struct stat status {};
  check(::fstat(location, &status), "stat", "what is to be hidden");
  const auto tree = S_ISDIR(status.st_mode)
                        ? make_filesystem("tmpfs", {{"mode", "0555"}, {"size", "4k"}},
                                          MOUNT_ATTR_RDONLY | kNoSuidDevExec)
                        : clone_tree(null_device, Depth::one_mount);
  attach(tree.get(), location);
}

void protect(int location) {
  const auto tree = clone_tree(location, Depth::recursive);
  restrict_tree(tree.get(), MOUNT_ATTR_RDONLY | kNoSuidDevExec, Depth::recursive);
  attach(tree.get(), location);
}

struct Node {
  const char* name;
  unsigned major;
  unsigned minor;
};
// Source: Documentation/admin-guide/devices.txt; the list is config-linux.md's "Default Devices".
constexpr std::array kNodes{Node{"null", 1, 3},   Node{"zero", 1, 5},    Node{"full", 1, 7},
                            Node{"random", 1, 8}, Node{"urandom", 1, 9}, Node{"tty", 5, 0}};

struct Link {
  const char* name;
  const char* target;
};
constexpr std::array kLinks{Link{"fd", "/proc/self/fd"}, Link{"stdin", "/proc/self/fd/0"},
                            Link{"stdout", "/proc/self/fd/1"}, Link{"stderr", "/proc/self/fd/2"},
                            Link{"ptmx", "pts/ptmx"}};

void make_nodes(int dev) {
  constexpr mode_t kEverybody = 0666;
  for (const auto& node : kNodes) {
    check(::mknodat(dev, node.name, S_IFCHR | kEverybody, ::makedev(node.major, node.minor)),
          "make in /dev the node", node.name);
  }
  for (const auto& link : kLinks) {
    check(::symlinkat(link.target, dev, link.name), "make in /dev the link", link.name);
  }
}

void mount_in(int dev, const char* name, const UniqueFd& tree) {
  check(::mkdirat(dev, name, 0755), "make in /dev the folder", name);
  attach(tree.get(), open_in_root(dev, name).get());
}

void mount_message_queues(int dev) {
  try {
    mount_in(dev, "mqueue", make_filesystem("mqueue", {}, kNoSuidDevExec));
  } catch (const Error& error) {
    // A kernel without POSIX message queues: nobody can miss the folder.
    if (error.errno_value() != ENODEV) throw;
  }
}
}  // namespace

UniqueFd make_proc() { return make_filesystem("proc", {}, kNoSuidDevExec); }

void protect_proc(int proc, int null_device) {
  for (const char* name : kReadOnlyInProc) {
    if (exists_in_root(proc, name)) protect(open_in_root(proc, name).get());
  }
  for (const char* name : kMaskedInProc) {
    if (exists_in_root(proc, name)) cover(open_in_root(proc, name).get(), null_device);
  }
}

void mount_sys(int sys) {
  const auto tree = make_filesystem("sysfs", {}, MOUNT_ATTR_RDONLY | kNoSuidDevExec);
  attach(tree.get(), sys);
  for (const char* name : kMaskedInSys) {
    // All of them are folders: no node is needed to cover them.
    if (exists_in_root(tree.get(), name)) cover(open_in_root(tree.get(), name).get(), -1);
  }
}

UniqueFd mount_dev(int dev) {
  auto tree = make_filesystem("tmpfs", {{"mode", "0755"}, {"size", "64k"}},
                              MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  attach(tree.get(), dev);
  make_nodes(tree.get());
  mount_in(
      tree.get(), "pts",
      make_filesystem("devpts",
                      {{"newinstance", ""}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}},
                      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  mount_in(tree.get(), "shm",
           make_filesystem("tmpfs", {{"mode", "1777"}, {"size", "64m"}}, kNoSuidDevExec));
  mount_message_queues(tree.get());
  return tree;
}

}  // namespace netlend
