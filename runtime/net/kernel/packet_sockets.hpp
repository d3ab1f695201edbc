#pragma once

#include <cstddef>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// How many packet sockets hold the device promiscuous or all-multicast, as tcpdump(8) does. A move
/// takes the device from them for good. 0 where the kernel can't tell (CONFIG_PACKET_DIAG).
/// Source: packet(7), PACKET_ADD_MEMBERSHIP; sock_diag(7); net/packet/diag.c.
std::size_t count_listening_sockets(Site& site, IfIndex ifindex);

}  // namespace netlend
