#include "container/kernel_folders.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/syscall.hpp"
#include "container/devices.hpp"
#include "container/hidden_paths.hpp"
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
    if (exists_in_root(proc, name)) protect_path(open_in_root(proc, name).get());
  }
  for (const char* name : kMaskedInProc) {
    if (exists_in_root(proc, name)) hide_path(open_in_root(proc, name).get(), null_device);
  }
}

void mount_sys(int sys) {
  const auto tree = make_filesystem("sysfs", {}, MOUNT_ATTR_RDONLY | kNoSuidDevExec);
  attach(tree.get(), sys);
  for (const char* name : kMaskedInSys) {
    // All of them are folders: no node is needed to cover them.
    if (exists_in_root(tree.get(), name)) hide_path(open_in_root(tree.get(), name).get(), -1);
  }
}

UniqueFd mount_dev(int dev) {
  auto tree = make_filesystem("tmpfs", {{"mode", "0755"}, {"size", "64k"}},
                              MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  attach(tree.get(), dev);
  make_default_devices(tree.get());
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
