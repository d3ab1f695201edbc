#include "base/signals.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>

#include "base/syscall.hpp"

namespace netlend {

void reset_signals() {
  // The kernel's struct sigaction, all zero: SIG_DFL, no flags, an empty mask. libc's sigaction(3)
  // refuses its own two signals, which execve(2) keeps ignored like all others.
  constexpr std::size_t kKernelSigactionMax = 64;
  constexpr std::size_t kKernelSigsetBytes = 8;
  alignas(std::max_align_t) const std::array<std::byte, kKernelSigactionMax> standard{};
  for (int signal = 1; signal < NSIG; ++signal) {
    // SIGKILL and SIGSTOP can't be set (EINVAL) and never differ.
    static_cast<void>(
        ::syscall(SYS_rt_sigaction, signal, standard.data(), nullptr, kKernelSigsetBytes));
  }
  sigset_t none;
  ::sigemptyset(&none);
  check(::sigprocmask(SIG_SETMASK, &none, nullptr), "empty", "the signal mask");
}

int send_signal(int pidfd, int signal) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

}  // namespace netlend
