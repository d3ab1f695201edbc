#pragma once

#include "net/snapshot/device_restoration.hpp"

namespace netlend {

/// Makes the device's addresses those of home, in their order, none of them tentative any more, and
/// the device up if it was. Where something had to be done, addrgenmode and a sysctl are then still
/// to be restored.
void restore_addresses(DeviceRestoration& device);

}  // namespace netlend
