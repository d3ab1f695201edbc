#pragma once

#include "base/error.hpp"
#include "lifecycle/container_store.hpp"
#include "lifecycle/runtime.hpp"

namespace netlend {

/// Takes away all that is left of a container whose first process has ended or is to end: the
/// process, its devices, its cgroups, and, after its poststop hooks, its folder. Goes on past
/// failures and returns them. The folder stays where a process or a cgroup does, so that it can be
/// tried again.
Failures clean_up(const Runtime& runtime, const ContainerFolder& folder,
                  const ContainerRecord& record) noexcept;

/// SIGKILLs the container's first process and waits for its end; one that has ended is success.
/// Throws Error.
void kill_first_process(const ContainerRecord& record);

}  // namespace netlend
