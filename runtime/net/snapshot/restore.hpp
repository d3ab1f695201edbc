#pragma once

#include "base/error.hpp"
#include "net/kernel/site.hpp"
#include "net/kernel/step_callback.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// Makes a device that is at home what its snapshot says, whatever has become of it; what is right
/// already is not touched, and marks stay. Goes on past failures and returns the kernel's answers.
Failures restore_device(Site& home, IfIndex ifindex, const DeviceSnapshot& snapshot,
                        const StepCallback& on_step) noexcept;

}  // namespace netlend
