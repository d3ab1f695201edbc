#pragma once

#include "net/snapshot/device_restoration.hpp"

namespace netlend {

/// Link address, MTU, flags, carrier and all else that is of the link itself, but for its names,
/// its master and whether it is up; for a new link address it's set down.
void restore_link(DeviceRestoration& device);

void set_up(DeviceRestoration& device, bool up);

}  // namespace netlend
