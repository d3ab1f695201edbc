#include "container/container.hpp"

#include <sched.h>
#include <unistd.h>

#include <utility>

#include "base/syscall.hpp"
#include "container/supervise.hpp"

namespace netlend {

namespace {
constexpr std::uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;

Spawned spawn_init(Channel& channel, const ContainerOptions& options) {
  const auto self = open_pidfd(::getpid());
  InitContext context{.options = options,
                      .channel = std::move(channel.child),
                      .parent_pidfd = self.get(),
                      .filters = default_seccomp_programs()};
  const std::uint64_t network = options.network == ContainerNetwork::own ? CLONE_NEWNET : 0;
  return spawn(kNamespaces | network, [&] {
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

Container::~Container() { kill_child(init_); }

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
  return supervise(init_, std::move(terminal_), signals);
}

}  // namespace netlend
