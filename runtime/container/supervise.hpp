#pragma once

#include <memory>

#include "container/signals.hpp"
#include "container/spawn.hpp"
#include "container/terminal.hpp"

namespace netlend {

/// Waits for the child's end, passing on signals and, if there is a terminal, what is typed and
/// written. Returns its exit code, or 128 + the signal that ended it; its pidfd is closed then.
/// Throws Error.
int supervise(Spawned& child, std::unique_ptr<TerminalRelay> terminal, const HeldSignals& signals);

/// SIGKILL, and waits for the end of a child that isn't reaped yet.
void kill_child(Spawned& child) noexcept;

}  // namespace netlend
