#include "net/kernel/new_link.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace netlend {

namespace {
// Newer than Debian 12's headers (include/uapi/linux/if_link.h).
constexpr int kNetkitPeerInfo = 1;

ifinfomsg any_link() {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  return header;
}

Message create_link(std::string doing) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, std::move(doing));
  message.header(any_link());
  return message;
}

Message create_upper(const NewUpper& upper, const std::string& kind, std::string doing) {
  Message message = create_link(std::move(doing));
  message.put_string(IFLA_IFNAME, upper.name)
      .put_u32(IFLA_LINK, static_cast<std::uint32_t>(upper.lower.value))
      .put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(upper.netns_fd));
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, kind).begin(IFLA_INFO_DATA);
  return message;
}
}  // namespace

bool knows_link_kind(RouteSocket& socket, const std::string& kind) {
  // More than the kernel takes, which it looks at once it knows the kind (net/core/rtnetlink.c,
  // rtnl_create_link).
  constexpr std::uint32_t kTooManyQueues = 4097;
  Message message = create_link("ask whether there are devices of kind '" + kind + "'");
  message.put_u32(IFLA_NUM_TX_QUEUES, kTooManyQueues);
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, kind).end();
  try {
    socket.call(message);
  } catch (const Error& error) {
    if (error.errno_value() == EOPNOTSUPP) return false;
    if (error.errno_value() == EINVAL) return true;
    throw;
  }
  throw Error("the kernel made a device of kind '" + kind + "' that it should have refused");
}

Message create_netkit(const NewVeth& pair, std::string doing) {
  Message message = create_link(std::move(doing));
  message.put_string(IFLA_IFNAME, pair.name);
  if (pair.mtu_bytes) message.put_u32(IFLA_MTU, *pair.mtu_bytes);
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, "netkit").begin(IFLA_INFO_DATA);
  message.begin(kNetkitPeerInfo).header(any_link());
  message.put_string(IFLA_IFNAME, pair.peer_name)
      .put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.peer_netns_fd));
  if (pair.mtu_bytes) message.put_u32(IFLA_MTU, *pair.mtu_bytes);
  message.end().end().end();
  return message;
}

Message create_ipvlan(const NewUpper& upper, std::string doing) {
  constexpr std::uint16_t kMode = IPVLAN_MODE_L3S;
  Message message = create_upper(upper, "ipvlan", std::move(doing));
  message.put(IFLA_IPVLAN_MODE, {reinterpret_cast<const char*>(&kMode), sizeof kMode});
  message.end().end();
  return message;
}

Message create_macvlan(const NewUpper& upper, const std::string& address, std::string doing) {
  Message message = create_upper(upper, "macvlan", std::move(doing));
  message.put_u32(IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
  message.end().end().put(IFLA_ADDRESS, address);
  return message;
}

std::optional<std::uint16_t> ipvlan_mode(const LinkState& link) {
  const Attributes data(link.kind_data);
  const auto bytes = data.find(IFLA_IPVLAN_MODE);
  std::uint16_t mode = 0;
  if (link.kind != "ipvlan" || !bytes || bytes->size() < sizeof mode) return std::nullopt;
  std::memcpy(&mode, bytes->data(), sizeof mode);
  return mode;
}

}  // namespace netlend
