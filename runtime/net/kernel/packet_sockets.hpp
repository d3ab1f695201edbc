#pragma once

#include <cstddef>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// From how many packet sockets a move takes the device for good.
struct PacketSockets {
  /// They hold it promiscuous or all-multicast, as tcpdump(8) does.
  std::size_t listening = 0;
  /// They are bound to it, and no more, as those of DHCP and LLDP are.
  std::size_t bound = 0;
};

/// None where the kernel can't tell (CONFIG_PACKET_DIAG). Source: packet(7), bind(2) and
/// PACKET_ADD_MEMBERSHIP; sock_diag(7); net/packet/diag.c.
PacketSockets count_packet_sockets(Site& site, IfIndex ifindex);

}  // namespace netlend
