#pragma once

#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/netns.hpp"

namespace netlend {

/// The IPsec states and policies that are handed to the device's hardware, "IPsec state 0x1234":
/// the kernel removes them as the device leaves (net/xfrm/xfrm_device.c).
std::vector<std::string> list_ipsec_offloads(const Netns& netns, IfIndex ifindex);

}  // namespace netlend
