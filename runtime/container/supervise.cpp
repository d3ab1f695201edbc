#include "container/supervise.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <csignal>
#include <vector>

#include "base/signals.hpp"
#include "base/syscall.hpp"

namespace netlend {

namespace {
void pass_on(const HeldSignals& signals, int pidfd, TerminalRelay* terminal) {
  while (const auto signal = signals.take()) {
    const bool is_for_terminal = *signal == SIGWINCH || *signal == SIGCONT;
    if (!is_for_terminal) {
      // It fails only for a process that has ended, and then there is nobody to tell.
      static_cast<void>(send_signal(pidfd, *signal));
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
  static_cast<void>(send_signal(child.pidfd.get(), SIGKILL));
  int status = 0;
  while (::waitpid(child.pid, &status, 0) == -1 && errno == EINTR) {
  }
  child.pidfd.reset();
}

}  // namespace netlend
