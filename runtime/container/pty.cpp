#include "container/pty.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

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
  const UniqueFd made{check(
      ::open(kPath, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600), "make", kPath)};
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
