#include "container/supervise.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "base/syscall.hpp"

namespace netlend {

namespace {
void send_signal(int pidfd, int signal) noexcept {
  // It fails only for a process that has ended (ESRCH), and then there is nobody to tell.
  static_cast<void>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

void pass_on(const HeldSignals& signals, int pidfd, TerminalRelay* terminal) {
  while (const auto signal = signals.take()) {
    const bool is_for_terminal = *signal == SIGWINCH || *signal == SIGCONT;
    if (!is_for_terminal) {
      send_signal(pidfd, *signal);
    } else if (terminal != nullptr) {
      terminal->copy_window_size();
      if (*signal == SIGCONT) terminal->take_keyboard();
    }
  }
}

int reap(Spawned& child, TerminalRelay* terminal) {
  int status = 0;
  check(retry([&] { return ::waitpid(child.pid, &status, 0); }), "wait for", "the container");
  child.pidfd.reset();
  if (terminal != nullptr) terminal->drain();
  return exit_code_of(status);
}
}  // namespace

int supervise(Spawned& child, std::unique_ptr<TerminalRelay> terminal, const HeldSignals& signals) {
  for (;;) {
    std::vector<pollfd> entries{{.fd = child.pidfd.get(), .events = POLLIN, .revents = 0},
                                {.fd = signals.fd(), .events = POLLIN, .revents = 0}};
    if (terminal) {
      for (const auto& entry : terminal->wanted()) entries.push_back(entry);
    }
    constexpr int kForever = -1;
    check(retry([&] { return ::poll(entries.data(), entries.size(), kForever); }), "wait for",
          "the container");
    if (entries[1].revents != 0) pass_on(signals, child.pidfd.get(), terminal.get());
    if (terminal) terminal->handle(entries[2], entries[3]);
    if (entries[0].revents != 0) return reap(child, terminal.get());
  }
}

void kill_child(Spawned& child) noexcept {
  if (!child.pidfd.is_open()) return;
  send_signal(child.pidfd.get(), SIGKILL);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) == -1 && errno == EINTR) {
  }
  child.pidfd.reset();
}

}  // namespace netlend
