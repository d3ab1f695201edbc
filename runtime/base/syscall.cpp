#include "base/syscall.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>
#include <vector>

#include "base/text.hpp"

namespace netlend {

void throw_errno(int errno_value, std::string_view doing, std::string_view object) {
  throw Error(fmt::format("{} '{}': {}", doing, printable(object), errno_text(errno_value)),
              errno_value);
}

int openat2(int dirfd, const char* path, const open_how& how) {
  return static_cast<int>(::syscall(SYS_openat2, dirfd, path, &how, sizeof how));
}

UniqueFd open_pidfd(pid_t pid) {
  // Always close-on-exec: pidfd_open(2).
  return UniqueFd{static_cast<int>(
      check(::syscall(SYS_pidfd_open, pid, 0), "open a pidfd of process", std::to_string(pid)))};
}

bool wait_for_exit(int pidfd, int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  for (;;) {
    const auto left = deadline - monotonic_ms();
    pollfd entry{.fd = pidfd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&entry, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw_errno(errno, "wait for", "a process");
  }
}

bool is_alive(int pidfd) { return !wait_for_exit(pidfd, 0); }

std::int64_t monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string random_hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  if (check(retry([&] { return ::getrandom(raw.data(), raw.size(), 0); }), "read",
            "random bytes") != static_cast<ssize_t>(bytes)) {
    throw Error("read random bytes: the kernel gave fewer than asked for");
  }
  return to_hex(raw);
}

}  // namespace netlend
