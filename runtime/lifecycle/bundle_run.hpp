#pragma once

#include "lifecycle/new_container.hpp"
#include "lifecycle/run_result.hpp"
#include "lifecycle/runtime.hpp"

namespace netlend {

/// `netlend create`: all but the start. Throws Error, and then nothing is left of it.
void create_container(const Runtime& runtime, const BundleOptions& options);

/// `netlend start`. Throws Error, without any effect, unless the container is created; and if its
/// process couldn't be executed, or a hook failed.
void start_container(const Runtime& runtime, const ContainerId& id);

/// `netlend run ID`: create, start, wait, delete. Signals are passed on from its start to its end.
/// Throws Error for what is wrong before anything is changed.
RunResult run_container(const Runtime& runtime, const BundleOptions& options);

/// `netlend run --detach ID`: create and start.
RunResult run_detached(const Runtime& runtime, const BundleOptions& options);

}  // namespace netlend
