#include "container/signals.hpp"

#include <sys/signalfd.h>

#include <array>
#include <cerrno>

#include "base/syscall.hpp"

namespace netlend {

namespace {
// WINCH and CONT are for the terminal, the rest goes to the command.
constexpr std::array kHeld{SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM, SIGUSR1,
                           SIGUSR2, SIGALRM, SIGWINCH, SIGCONT};

bool is_ignored(int signal) {
  struct sigaction action {};
  check(::sigaction(signal, nullptr, &action), "look up the action of signal",
        std::to_string(signal));
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
}
}  // namespace

HeldSignals::HeldSignals() {
  sigset_t held;
  ::sigemptyset(&held);
  for (const int signal : kHeld) {
    // A blocked signal is delivered to a signalfd even if it is ignored.
    if (!is_ignored(signal)) ::sigaddset(&held, signal);
  }
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  check(::sigaction(SIGCHLD, &standard, &child_before_), "set the action of", "SIGCHLD");
  fd_ = UniqueFd{check(::signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK), "make", "a signalfd")};
  check(::sigprocmask(SIG_BLOCK, &held, &before_), "hold back", "signals");
}

HeldSignals::~HeldSignals() {
  signalfd_siginfo dropped{};
  while (::read(fd_.get(), &dropped, sizeof dropped) > 0) {
  }
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  ::sigaction(SIGCHLD, &child_before_, nullptr);
}

std::optional<int> HeldSignals::take() const {
  signalfd_siginfo info{};
  const auto size = retry([&] { return ::read(fd_.get(), &info, sizeof info); });
  if (size == -1 && errno == EAGAIN) return std::nullopt;
  check(size, "read", "a signalfd");
  return static_cast<int>(info.ssi_signo);
}

void block_all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  check(::sigprocmask(SIG_SETMASK, &all, nullptr), "block", "signals");
}

}  // namespace netlend
