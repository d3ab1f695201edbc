#pragma once

#include "net/kernel/site.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// The sysctls of conf/all that the kernel writes into every device when they are written
/// (forwarding, and for IPv6 disable_ipv6 and others), as they are at home. Source:
/// net/ipv4/devinet.c, inet_forward_change; net/ipv6/addrconf.c, addrconf_forward_change.
Sysctls read_all_devices(Site& home);

/// What became of a device at home when one of these was changed there while the device was away:
/// home meant each device, and so this one.
void follow_all_devices(Site& home, DeviceSnapshot& device);

}  // namespace netlend
