#pragma once

#include "base/error.hpp"
#include "lifecycle/runtime.hpp"

namespace netlend {

/// `netlend delete`: takes away what is left of a container that has stopped, or that was never
/// started. With force one that runs is killed first, and no container is success. Returns what
/// couldn't be taken away. Throws Error, without any effect, where it may not be deleted.
Failures delete_container(const Runtime& runtime, const ContainerId& id, Force force);

}  // namespace netlend
