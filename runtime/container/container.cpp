#include "container/container.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>
#include <vector>

#include "base/syscall.hpp"

namespace netlend {

namespace {
constexpr std::uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;

void send_signal(int pidfd, int signal) noexcept {
  // It fails only for a process that has ended (ESRCH), and then there is nobody to tell.
  static_cast<void>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

Spawned spawn_init(Channel& channel, const ContainerOptions& options) {
  const auto self = open_pidfd(::getpid());
  InitContext context{.options = options,
                      .channel = std::move(channel.child),
                      .parent_pidfd = self.get(),
                      .filters = default_seccomp_programs()};
  return spawn(kNamespaces, [&] {
    channel.parent.close();
    return run_init(context);
  });
}
}  // namespace

Container::Container(const ContainerOptions& options) : channel_(UniqueFd{}) {
  auto channel = make_channel();
  init_ = spawn_init(channel, options);
  channel_ = std::move(channel.parent);
}

Container::~Container() {
  if (!init_.pidfd.is_open()) return;
  send_signal(init_.pidfd.get(), SIGKILL);
  int status = 0;
  while (::waitpid(init_.pid, &status, 0) == -1 && errno == EINTR) {
  }
}

std::optional<StartFailure> Container::start() {
  channel_.say_go();
  for (;;) {
    auto report = channel_.receive();
    if (auto* failure = std::get_if<StartFailure>(&report)) return std::move(*failure);
    auto* master = std::get_if<UniqueFd>(&report);
    if (master == nullptr) return std::nullopt;
    terminal_ = std::make_unique<TerminalRelay>(std::move(*master));
  }
}

int Container::wait(const HeldSignals& signals) {
  for (;;) {
    std::vector<pollfd> entries{{.fd = init_.pidfd.get(), .events = POLLIN, .revents = 0},
                                {.fd = signals.fd(), .events = POLLIN, .revents = 0}};
    if (terminal_) {
      for (const auto& entry : terminal_->wanted()) entries.push_back(entry);
    }
    constexpr int kForever = -1;
    check(retry([&] { return ::poll(entries.data(), entries.size(), kForever); }), "wait for",
          "the container");
    if (entries[1].revents != 0) pass_on(signals);
    if (terminal_) terminal_->handle(entries[2], entries[3]);
    if (entries[0].revents != 0) return reap();
  }
}

void Container::pass_on(const HeldSignals& signals) {
  while (const auto signal = signals.take()) {
    const bool is_for_terminal = *signal == SIGWINCH || *signal == SIGCONT;
    if (!is_for_terminal) {
      send_signal(init_.pidfd.get(), *signal);
    } else if (terminal_) {
      terminal_->copy_window_size();
      if (*signal == SIGCONT) terminal_->take_keyboard();
    }
  }
}

int Container::reap() {
  int status = 0;
  check(retry([&] { return ::waitpid(init_.pid, &status, 0); }), "wait for", "the container");
  init_.pidfd.reset();
  if (terminal_) terminal_->drain();
  terminal_.reset();
  return exit_code_of(status);
}

}  // namespace netlend
