#pragma once

#include <linux/openat2.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace netlend {

/// Throws Error "DOING 'OBJECT': TEXT (ENAME)" for `errno_value`.
[[noreturn]] void throw_errno(int errno_value, std::string_view doing, std::string_view object);

/// Returns `result` unless it is -1, else throws Error of errno.
template <typename Integer>
Integer check(Integer result, std::string_view doing, std::string_view object) {
  if (result == -1) throw_errno(errno, doing, object);
  return result;
}

/// Calls `call` again for as long as it is interrupted by a signal (EINTR).
template <typename Call>
auto retry(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

/// openat2(2), which glibc 2.36 doesn't wrap; -1 and errno on failure.
int openat2(int dirfd, const char* path, const open_how& how);

/// A pidfd, O_CLOEXEC. Throws Error (ESRCH: no such process). Source: pidfd_open(2).
UniqueFd open_pidfd(pid_t pid);

/// False once the process has ended, reaped or not. Source: pidfd_open(2), "poll".
bool is_alive(int pidfd);

/// Waits until the process behind `pidfd` has ended or `timeout_ms` have passed; false at the
/// timeout.
bool wait_for_exit(int pidfd, int timeout_ms);

/// Milliseconds of CLOCK_MONOTONIC.
std::int64_t monotonic_ms();

/// `bytes` random bytes as lower case hex. Source: getrandom(2).
std::string random_hex(std::size_t bytes);

}  // namespace netlend
