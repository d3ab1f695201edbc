#include "container/pty.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/syscall.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
constexpr std::array kStandard{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
}  // namespace

Pty open_pty() {
  Pty pty;
  pty.master = UniqueFd{
      check(::open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), "open", "/dev/pts/ptmx")};
  const int unlocked = 0;
  check(::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked), "unlock", "the container's terminal");
  pty.slave = UniqueFd{check(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC),
                             "open", "the container's terminal")};
  return pty;
}

void mount_console(const Pty& pty) {
  constexpr const char* kPath = "/dev/console";
  if (::mknod(kPath, S_IFREG | 0600, 0) == -1 && errno != EEXIST) throw_errno(errno, "make", kPath);
  // What an image has there may be a symlink: CVE-2025-52565.
  const UniqueFd made{check(::open(kPath, O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", kPath)};
  struct stat status {};
  check(::fstat(made.get(), &status), "stat", kPath);
  if (S_ISLNK(status.st_mode)) throw Error("'/dev/console' in the container is a symlink");
  attach(clone_tree(pty.slave.get(), Depth::one_mount).get(), made.get());
}

void replace_standard_terminals(const Pty& pty) {
  for (const int fd : kStandard) {
    if (::isatty(fd) == 0) continue;
    check(::dup2(pty.slave.get(), fd), "replace", "a standard descriptor");
  }
}

bool any_standard_terminal() noexcept {
  return std::ranges::any_of(kStandard, [](int fd) { return ::isatty(fd) != 0; });
}

}  // namespace netlend
