#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "base/unique_fd.hpp"

namespace netlend {

struct Spawned {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// Runs `child` in a new process and in new namespaces (CLONE_NEW* of `namespaces`); it ends with
/// the exit code that `child` returns, 125 if that throws. Only for a process without threads: the
/// child has a copy of all memory, of which no lock may be held. Throws Error (EPERM: not root).
/// Source: clone3(2).
Spawned spawn(std::uint64_t namespaces, const std::function<int()>& child);

/// The way a process ended, as a shell says it: its exit code, or 128 + the signal that killed it.
int exit_code_of(int wait_status) noexcept;

}  // namespace netlend
