#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// A neighbour that somebody has entered, not learned: for good (NUD_PERMANENT), never to be asked
/// for (NUD_NOARP), to be kept resolved (NTF_EXT_MANAGED), for a control plane (NTF_EXT_LEARNED),
/// or to be answered for (NTF_PROXY).
struct NeighbourRecord {
  int family = 0;
  std::uint16_t state = 0;  // NUD_*; of what the kernel goes on checking, as if just entered
  std::uint8_t flags = 0;   // NTF_*
  /// NDA_DST, NDA_LLADDR, NDA_PROTOCOL, ...
  RawAttributes attributes;
  bool operator==(const NeighbourRecord&) const = default;
};

/// Those of the device that don't come back by themselves, sorted; learned ones are left out.
std::vector<NeighbourRecord> list_neighbours(RouteSocket& socket, const LinkState& link);

/// "10.0.0.9 lladdr 02:00:00:00:00:09 permanent".
std::string describe(const NeighbourRecord& neighbour);

Message add_neighbour(IfIndex ifindex, const NeighbourRecord& neighbour, std::string doing);
Message remove_neighbour(IfIndex ifindex, const NeighbourRecord& neighbour, std::string doing);

}  // namespace netlend
