#include "net/kernel/packet_sockets.hpp"

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cstring>

#include "base/error.hpp"

namespace netlend {

namespace {
/// Of PACKET_DIAG_MCLIST, an array of packet_diag_mclist.
bool holds(std::string_view memberships, IfIndex ifindex) {
  for (; memberships.size() >= sizeof(packet_diag_mclist);
       memberships.remove_prefix(sizeof(packet_diag_mclist))) {
    packet_diag_mclist membership{};
    std::memcpy(&membership, memberships.data(), sizeof membership);
    const bool is_mode =
        membership.pdmc_type == PACKET_MR_PROMISC || membership.pdmc_type == PACKET_MR_ALLMULTI;
    if (is_mode && membership.pdmc_index == static_cast<std::uint32_t>(ifindex.value)) return true;
  }
  return false;
}

/// Of PACKET_DIAG_INFO, a packet_diag_info.
bool is_bound(std::string_view info, IfIndex ifindex) {
  packet_diag_info socket{};
  if (info.size() < sizeof socket) return false;
  std::memcpy(&socket, info.data(), sizeof socket);
  return socket.pdi_index == static_cast<std::uint32_t>(ifindex.value);
}
}  // namespace

PacketSockets count_packet_sockets(Site& site, IfIndex ifindex) {
  RouteSocket socket(site.netns, NETLINK_SOCK_DIAG);
  Message message(SOCK_DIAG_BY_FAMILY, 0, "list the packet sockets");
  packet_diag_req request{};
  request.sdiag_family = AF_PACKET;
  request.pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MCLIST;
  message.header(request);
  PacketSockets sockets;
  try {
    for (const auto& reply : socket.dump(message)) {
      const Attributes attributes = reply.attributes(sizeof(packet_diag_msg));
      if (holds(attributes.find(PACKET_DIAG_MCLIST).value_or(""), ifindex)) {
        ++sockets.listening;
      } else if (is_bound(attributes.find(PACKET_DIAG_INFO).value_or(""), ifindex)) {
        ++sockets.bound;
      }
    }
  } catch (const Error& error) {
    if (error.errno_value() != ENOENT && error.errno_value() != EOPNOTSUPP) throw;
  }
  return sockets;
}

}  // namespace netlend
