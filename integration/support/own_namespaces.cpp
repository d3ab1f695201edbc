#include "support/own_namespaces.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/syscall.hpp"
#include "support/own_cgroups.hpp"

namespace netlend::test {

namespace {
void mount_private_dev() {
  check(::mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=755"), "mount", "/dev");
  struct Node {
    const char* path;
    unsigned minor;
  };
  constexpr std::array kNodes{Node{"/dev/null", 3}, Node{"/dev/zero", 5}, Node{"/dev/full", 7},
                              Node{"/dev/random", 8}, Node{"/dev/urandom", 9}};
  constexpr unsigned kMemoryMajor = 1;
  for (const auto& node : kNodes) {
    check(::mknod(node.path, S_IFCHR | 0666, ::makedev(kMemoryMajor, node.minor)), "mknod",
          node.path);
    check(::chmod(node.path, 0666), "chmod", node.path);
  }
  check(::mknod("/dev/tty", S_IFCHR | 0666, ::makedev(5, 0)), "mknod", "/dev/tty");
  check(::mkdir("/dev/pts", 0755), "mkdir", "/dev/pts");
  check(::mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666"),
        "mount", "/dev/pts");
  check(::symlink("pts/ptmx", "/dev/ptmx"), "symlink", "/dev/ptmx");
  check(::symlink("/proc/self/fd", "/dev/fd"), "symlink", "/dev/fd");
  check(::mkdir("/dev/shm", 01777), "mkdir", "/dev/shm");
}

[[noreturn]] void wait_and_exit_like(pid_t child, const OwnCgroups& cgroups) {
  int status = 0;
  check(retry([&] { return ::waitpid(child, &status, 0); }), "wait for", "the tests");
  // With the first process of its pid namespace all others are gone.
  const auto failures = cgroups.remove();
  for (const auto& failure : failures) std::cerr << failure.what << '\n';
  if (!failures.empty()) ::_exit(1);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
}  // namespace

void enter_own_namespaces() {
  check(::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                  CLONE_NEWCGROUP),
        "make namespaces for", "the tests (root only)");
  const OwnCgroups cgroups;
  const pid_t child = check(::fork(), "fork", "the tests");
  if (child != 0) wait_and_exit_like(child, cgroups);
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "die with", "the parent");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make private", "/");
  check(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "mount",
        "/proc");
  check(::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, nullptr),
        "mount", "/sys");
  cgroups.enter();
  check(::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"), "mount", "/run");
  mount_private_dev();
}

void enter_new_netns() { check(::unshare(CLONE_NEWNET), "make", "a network namespace"); }

}  // namespace netlend::test
