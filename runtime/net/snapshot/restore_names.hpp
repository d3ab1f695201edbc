#pragma once

#include "base/error.hpp"
#include "net/snapshot/device_restoration.hpp"

namespace netlend {

/// Name, altnames and alias; marks stay. Throws Error if the device can't be read under its own
/// name.
void restore_names(DeviceRestoration& device);

/// Removes every altname of the device that neither the snapshot knows nor is a mark.
Failures strip_foreign_altnames(Site& site, const LinkState& link,
                                const DeviceSnapshot& snapshot) noexcept;

}  // namespace netlend
