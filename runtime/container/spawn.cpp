#include "container/spawn.hpp"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/syscall.hpp"
#include "container/exit_codes.hpp"

namespace netlend {

namespace {
[[noreturn]] void run_child(const std::function<int()>& child) noexcept {
  int code = kExitNetlendFailed;
  try {
    code = child();
  } catch (...) {
    // `child` has reported through its channel whatever it could; there is nobody above it.
    code = kExitNetlendFailed;
  }
  ::_exit(code);
}

Spawned fork_child(const std::function<int()>& child) {
  const pid_t pid = check(::fork(), "start", "a process");
  if (pid == 0) run_child(child);
  return {.pid = pid, .pidfd = open_pidfd(pid)};
}
}  // namespace

Spawned spawn(std::uint64_t namespaces, const std::function<int()>& child) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = namespaces | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const auto result = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  // Under a seccomp filter that can't see its flags.
  if (result == -1 && errno == ENOSYS && namespaces == 0) return fork_child(child);
  const auto pid = static_cast<pid_t>(check(result, "start", "a process in namespaces of its own"));
  if (pid == 0) run_child(child);
  return {.pid = pid, .pidfd = UniqueFd{pidfd}};
}

int exit_code_of(int wait_status) noexcept {
  constexpr int kSignalBase = 128;
  return WIFSIGNALED(wait_status) ? kSignalBase + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace netlend
