#pragma once

#include <string>

#include "net/kernel/link.hpp"

namespace netlend {

/// Whether the kernel can make devices of that kind: it is asked for one that it refuses for
/// another reason, so that none is made. A kind that is a module is loaded by it. Throws Error.
bool knows_link_kind(RouteSocket& socket, const std::string& kind);

/// As create_veth(), but a netkit pair, which carries IP packets alone: it has no link addresses.
/// What has no program is let pass. Source: drivers/net/netkit.c, Linux 6.7.
Message create_netkit(const NewVeth& pair, std::string doing);

/// A device of another namespace that stands on one of this.
struct NewUpper {
  std::string name;
  IfIndex lower;
  int netns_fd = -1;
};
/// An ipvlan in mode L3S: packets to its addresses reach it, all others and ARP the device below.
/// Sets that mode for all ipvlans there. Source: drivers/net/ipvlan, Linux 4.9.
Message create_ipvlan(const NewUpper& upper, std::string doing);
/// A macvlan in mode bridge with that link address (raw bytes).
Message create_macvlan(const NewUpper& upper, const std::string& address, std::string doing);
/// The IPVLAN_MODE_* of an ipvlan; nothing where the kernel doesn't say.
std::optional<std::uint16_t> ipvlan_mode(const LinkState& link);

}  // namespace netlend
