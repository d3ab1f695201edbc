#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>

#include "container/channel.hpp"
#include "container/init.hpp"
#include "container/signals.hpp"
#include "container/spawn.hpp"
#include "container/terminal.hpp"

namespace netlend {

/// A container without a bundle: new mount, pid, uts, ipc and cgroup namespaces, and a network
/// namespace if it is to have its own, over the host's root (container/rootfs.hpp), with few
/// capabilities and a seccomp filter. It dies with this object and with this process, however that
/// ends.
class Container {
 public:
  /// Makes the namespaces; nothing runs in them yet. Descriptors 0 to 2 must be open. Throws Error.
  explicit Container(const ContainerOptions& options);
  /// Kills what is still running.
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  /// Of the first process, whose namespaces are the container's.
  pid_t pid() const noexcept { return init_.pid; }

  /// Starts the command. Returns when it is executed, or why it couldn't be. Throws Error.
  std::optional<StartFailure> start();

  /// Waits for the command's end, passing on signals and, if the caller has a terminal, what is
  /// typed and written. Returns its exit code, or 128 + the signal that ended it. Throws Error.
  int wait(const HeldSignals& signals);

 private:
  ParentChannel channel_;
  Spawned init_;
  std::unique_ptr<TerminalRelay> terminal_;
};

}  // namespace netlend
