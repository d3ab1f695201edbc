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

/// Removes every altname of the device that neither the snapshot knows nor is a mark.
Failures strip_foreign_altnames(Site& site, const LinkState& link,
                                const DeviceSnapshot& snapshot) noexcept;

enum class Which { all, global };

/// Waits until none of the device's addresses, or none but link-local ones, is tentative any more.
/// False at the timeout.
bool wait_for_addresses(Site& site, IfIndex ifindex, Which which, int timeout_ms);

}  // namespace netlend
