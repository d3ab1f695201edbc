#include "net/kernel/link.hpp"

#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>

#include "net/kernel/kind_options.hpp"
#include "net/kernel/port_attribute.hpp"

namespace netlend {

namespace {
// Newer than Debian 12's headers (include/uapi/linux/if_link.h).
constexpr int kGsoIpv4MaxSize = 63;
constexpr int kGroIpv4MaxSize = 64;
constexpr int kNetnsImmutable = 67;
constexpr int kNetnsReturn = 80;  // kernel/patches/6.12-home
// include/net/if_inet6.h: part of the ABI by IFLA_INET6_FLAGS.
constexpr std::uint32_t kInet6Ready = 0x80000000;

constexpr std::array kTunables{IFLA_TXQLEN, IFLA_GROUP, IFLA_GSO_MAX_SEGS, IFLA_GSO_MAX_SIZE,
                               IFLA_GRO_MAX_SIZE};
constexpr std::array kNewTunables{kGsoIpv4MaxSize, kGroIpv4MaxSize};

Message get_link(std::string doing) {
  Message message(RTM_GETLINK, 0, std::move(doing));
  return message;
}

ifinfomsg link_header(IfIndex ifindex) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = ifindex.value;
  return header;
}

void ask_for_all(Message& message) {
  // Sizes the buffer of the answer too: without it a device with 300 altnames hides what follows.
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

LinkMaster parse_master(IfIndex ifindex, const Attributes& info) {
  LinkMaster master{
      .ifindex = ifindex, .kind = info.text(IFLA_INFO_SLAVE_KIND), .port_attributes = {}};
  master.port_attributes = kept_port_attributes(master.kind, info.nested(IFLA_INFO_SLAVE_DATA));
  return master;
}

void parse_names(const Attributes& attributes, LinkState& link) {
  link.name = attributes.text(IFLA_IFNAME);
  link.alias = attributes.text(IFLA_IFALIAS);
  const Attributes properties = attributes.nested(IFLA_PROP_LIST);
  for (const auto& [type, bytes] : properties.all()) {
    if (type == IFLA_ALT_IFNAME) link.altnames.emplace_back(bytes.substr(0, bytes.find('\0')));
  }
}

void parse_ipv6(const Attributes& attributes, LinkState& link) {
  const Attributes inet6 = attributes.nested(IFLA_AF_SPEC).nested(AF_INET6);
  link.addrgenmode = inet6.u8(IFLA_INET6_ADDR_GEN_MODE);
  link.ipv6_token = inet6.find(IFLA_INET6_TOKEN).value_or("");
  if (link.ipv6_token.find_first_not_of('\0') == std::string::npos) link.ipv6_token.clear();
  link.ipv6_ready = (inet6.u32(IFLA_INET6_FLAGS).value_or(0) & kInet6Ready) != 0;
}

void parse_hardware(const Attributes& attributes, LinkState& link) {
  link.address = attributes.find(IFLA_ADDRESS).value_or("");
  link.broadcast = attributes.find(IFLA_BROADCAST).value_or("");
  link.permanent_address = attributes.find(IFLA_PERM_ADDRESS).value_or("");
  link.parent_bus = attributes.text(IFLA_PARENT_DEV_BUS_NAME);
  link.parent_device = attributes.text(IFLA_PARENT_DEV_NAME);
  link.port_name = attributes.text(IFLA_PHYS_PORT_NAME);
}

void parse_xdp(const Attributes& attributes, LinkState& link) {
  constexpr std::array<std::pair<std::uint32_t, int>, 3> kModes{
      {{XDP_FLAGS_SKB_MODE, IFLA_XDP_SKB_PROG_ID},
       {XDP_FLAGS_DRV_MODE, IFLA_XDP_DRV_PROG_ID},
       {XDP_FLAGS_HW_MODE, IFLA_XDP_HW_PROG_ID}}};
  const Attributes xdp = attributes.nested(IFLA_XDP);
  for (const auto& [mode, attribute] : kModes) {
    const auto program = xdp.u32(attribute);
    if (program && *program != 0) link.xdp_programs.emplace(mode, *program);
  }
}

ProtocolDown parse_protocol_down(const Attributes& attributes) {
  return {
      .is_down = attributes.u8(IFLA_PROTO_DOWN).value_or(0) != 0,
      .reasons =
          attributes.nested(IFLA_PROTO_DOWN_REASON).u32(IFLA_PROTO_DOWN_REASON_VALUE).value_or(0)};
}

LinkState parse_link(const Reply& reply) {
  const auto header = reply.header<ifinfomsg>();
  const Attributes attributes = reply.attributes(sizeof header);
  LinkState link;
  link.ifindex = {header.ifi_index};
  link.flags = header.ifi_flags;
  link.mtu_bytes = attributes.u32(IFLA_MTU).value_or(0);
  link.has_carrier = attributes.u8(IFLA_CARRIER).value_or(0) != 0;
  link.mode = attributes.u8(IFLA_LINKMODE).value_or(0);
  link.protocol_down = parse_protocol_down(attributes);
  parse_names(attributes, link);
  parse_hardware(attributes, link);
  parse_ipv6(attributes, link);
  parse_xdp(attributes, link);
  const auto keep_tunable = [&](int type) {
    if (const auto value = attributes.u32(type)) {
      link.tunables.emplace(static_cast<std::uint16_t>(type), *value);
    }
  };
  for (const int type : kTunables) keep_tunable(type);
  for (const int type : kNewTunables) keep_tunable(type);
  const Attributes info = attributes.nested(IFLA_LINKINFO);
  link.kind = info.text(IFLA_INFO_KIND);
  link.kind_data = kept_kind_options(link.kind, info.find(IFLA_INFO_DATA).value_or(""));
  if (const auto master = attributes.u32(IFLA_MASTER)) {
    link.master = parse_master({static_cast<int>(*master)}, info);
  }
  if (const auto lower = attributes.u32(IFLA_LINK); lower && *lower != 0) {
    link.lower = IfIndex{static_cast<int>(*lower)};
  }
  link.lower_nsid = attributes.u32(IFLA_LINK_NETNSID);
  if (const auto immutable = attributes.u8(kNetnsImmutable)) link.netns_immutable = *immutable != 0;
  if (const auto returns = attributes.u8(kNetnsReturn)) link.returns = *returns != 0;
  return link;
}

}  // namespace

bool LinkState::is_up() const noexcept { return (flags & IFF_UP) != 0; }
bool LinkState::is_loopback() const noexcept { return (flags & IFF_LOOPBACK) != 0; }

std::optional<LinkState> find_link(RouteSocket& socket, IfIndex ifindex) {
  return find_link_in(socket, ifindex, std::nullopt);
}

bool can_send(RouteSocket& socket, IfIndex ifindex) {
  Message message = get_link(fmt::format("look up device {}", ifindex.value));
  message.header(link_header(ifindex));
  ask_for_all(message);
  const auto reply = socket.find(message);
  return reply && reply->attributes(sizeof(ifinfomsg)).text(IFLA_QDISC) != "noop";
}

std::optional<LinkState> find_link_in(RouteSocket& socket, IfIndex ifindex,
                                      std::optional<std::uint32_t> nsid) {
  Message message = get_link(fmt::format("look up device {}", ifindex.value));
  message.header(link_header(ifindex));
  if (nsid) message.put_u32(IFLA_TARGET_NETNSID, *nsid);
  ask_for_all(message);
  const auto reply = socket.find(message);
  if (!reply) return std::nullopt;
  return parse_link(*reply);
}

std::optional<LinkState> find_link(RouteSocket& socket, const std::string& name) {
  Message message = get_link(fmt::format("look up device '{}'", name));
  message.header(link_header({}));
  // IFLA_ALT_IFNAME is looked up among names and altnames alike, IFLA_IFNAME is limited to 15
  // bytes.
  message.put_string(IFLA_ALT_IFNAME, name);
  ask_for_all(message);
  const auto reply = socket.find(message);
  if (!reply) return std::nullopt;
  return parse_link(*reply);
}

LinkState read_link(RouteSocket& socket, IfIndex ifindex) {
  Message message = get_link(fmt::format("look up device {}", ifindex.value));
  message.header(link_header(ifindex));
  ask_for_all(message);
  return parse_link(socket.get(message));
}

namespace {
std::vector<LinkState> parse_links(const std::vector<Reply>& replies) {
  std::vector<LinkState> links;
  links.reserve(replies.size());
  for (const auto& reply : replies) links.push_back(parse_link(reply));
  return links;
}
}  // namespace

std::vector<LinkState> list_links(RouteSocket& socket) {
  Message message = get_link("list the devices");
  message.header(link_header({}));
  ask_for_all(message);
  return parse_links(socket.dump(message));
}

std::optional<std::vector<LinkState>> list_links_over(RouteSocket& socket,
                                                      const LinksOver& wanted) {
  Message message = get_link(fmt::format("list the devices of kind '{}'", wanted.kind));
  // Without IFLA_EXT_MASK, for which the kernel would first measure all devices of the socket's own
  // namespace to size its buffer (net/core/rtnetlink.c, rtnl_calcit): those of another are not
  // measured by that, and here nobody but root makes such devices, and none has hundreds of
  // altnames.
  message.header(link_header({}));
  if (wanted.nsid) message.put_u32(IFLA_TARGET_NETNSID, *wanted.nsid);
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, wanted.kind).end();
  // A kind that the kernel doesn't know is no filter to it: it sends all devices (ibid.,
  // linkinfo_to_kind_ops). The first one tells, as each namespace has one.
  bool is_known = true;
  const auto replies = socket.dump(message, [&](const Reply& reply) {
    const Attributes attributes = reply.attributes(sizeof(ifinfomsg));
    is_known = attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND) == wanted.kind;
    if (!is_known) return RouteSocket::Take::enough;
    return RouteSocket::take_if(attributes.u32(IFLA_LINK) ==
                                static_cast<std::uint32_t>(wanted.lower.value));
  });
  if (!is_known) return std::nullopt;
  return parse_links(replies);
}

std::vector<LinkState> list_ports(RouteSocket& socket, IfIndex master) {
  Message message = get_link(fmt::format("list the ports of device {}", master.value));
  message.header(link_header({}));
  message.put_u32(IFLA_MASTER, static_cast<std::uint32_t>(master.value));
  ask_for_all(message);
  return parse_links(socket.dump(message));
}

Message change_link(IfIndex ifindex, std::string doing) {
  Message message(RTM_NEWLINK, 0, std::move(doing));
  message.header(link_header(ifindex));
  return message;
}

Message move_link(const LinkState& link, const MoveTarget& target, std::string doing) {
  Message message = change_link(link.ifindex, std::move(doing));
  message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(target.netns_fd));
  if (target.ifindex) {
    message.put_u32(IFLA_NEW_IFINDEX, static_cast<std::uint32_t>(target.ifindex->value));
  }
  if (!target.fallback_name.empty()) message.put_string(IFLA_IFNAME, target.fallback_name);
  if (target.returns) message.put_u8(kNetnsReturn, 1);
  return message;
}

Message rename_link(IfIndex ifindex, const std::string& name, std::string doing) {
  return std::move(change_link(ifindex, std::move(doing)).put_string(IFLA_IFNAME, name));
}

Message set_link_flags(IfIndex ifindex, std::uint32_t flags, std::uint32_t mask,
                       std::string doing) {
  Message message(RTM_NEWLINK, 0, std::move(doing));
  ifinfomsg header = link_header(ifindex);
  header.ifi_flags = flags & mask;
  header.ifi_change = mask;
  message.header(header);
  return message;
}

Message set_link_mtu(IfIndex ifindex, std::uint32_t mtu_bytes, std::string doing) {
  return std::move(change_link(ifindex, std::move(doing)).put_u32(IFLA_MTU, mtu_bytes));
}

Message set_link_address(IfIndex ifindex, const std::string& bytes, std::string doing) {
  return std::move(change_link(ifindex, std::move(doing)).put(IFLA_ADDRESS, bytes));
}

Message set_link_mode(IfIndex ifindex, std::uint8_t mode, std::string doing) {
  return std::move(change_link(ifindex, std::move(doing)).put_u8(IFLA_LINKMODE, mode));
}

Message set_link_carrier(IfIndex ifindex, bool carrier, std::string doing) {
  return std::move(change_link(ifindex, std::move(doing)).put_u8(IFLA_CARRIER, carrier ? 1 : 0));
}

Message set_protocol_down(IfIndex ifindex, const ProtocolDown& wanted, std::uint32_t mask,
                          std::string doing) {
  Message message = change_link(ifindex, std::move(doing));
  message.put_u8(IFLA_PROTO_DOWN, wanted.is_down ? 1 : 0);
  // Without a mask the value would be taken for all, but one of 0 for none (6.12).
  if (mask != 0) {
    message.begin(IFLA_PROTO_DOWN_REASON)
        .put_u32(IFLA_PROTO_DOWN_REASON_MASK, mask)
        .put_u32(IFLA_PROTO_DOWN_REASON_VALUE, wanted.reasons)
        .end();
  }
  return message;
}

Message set_link_master(IfIndex ifindex, IfIndex master, std::string doing) {
  return std::move(change_link(ifindex, std::move(doing))
                       .put_u32(IFLA_MASTER, static_cast<std::uint32_t>(master.value)));
}

Message set_link_addrgenmode(IfIndex ifindex, std::uint8_t mode, std::string doing) {
  Message message = change_link(ifindex, std::move(doing));
  message.begin(IFLA_AF_SPEC).begin(AF_INET6).put_u8(IFLA_INET6_ADDR_GEN_MODE, mode).end().end();
  return message;
}

std::string format_token(const std::string& bytes) {
  return bytes.empty() ? "::" : IpAddress::from_bytes(bytes).str();
}

Message set_link_token(IfIndex ifindex, const std::string& bytes, std::string doing) {
  Message message = change_link(ifindex, std::move(doing));
  message.begin(IFLA_AF_SPEC).begin(AF_INET6).put(IFLA_INET6_TOKEN, bytes).end().end();
  return message;
}

namespace {
Message change_altname(std::uint16_t type, IfIndex ifindex, const std::string& altname,
                       std::string doing) {
  constexpr std::uint16_t kNewPropertyFlags = NLM_F_EXCL | NLM_F_CREATE | NLM_F_APPEND;
  Message message(type, type == RTM_NEWLINKPROP ? kNewPropertyFlags : 0, std::move(doing));
  message.header(link_header(ifindex));
  message.begin(IFLA_PROP_LIST).put_string(IFLA_ALT_IFNAME, altname).end();
  return message;
}
}  // namespace

Message add_altname(IfIndex ifindex, const std::string& altname, std::string doing) {
  return change_altname(RTM_NEWLINKPROP, ifindex, altname, std::move(doing));
}

Message remove_altname(IfIndex ifindex, const std::string& altname, std::string doing) {
  return change_altname(RTM_DELLINKPROP, ifindex, altname, std::move(doing));
}

Message delete_link(IfIndex ifindex, std::string doing) {
  Message message(RTM_DELLINK, 0, std::move(doing));
  message.header(link_header(ifindex));
  return message;
}

Message delete_link_in(IfIndex ifindex, std::uint32_t nsid, std::string doing) {
  Message message = delete_link(ifindex, std::move(doing));
  message.put_u32(IFLA_TARGET_NETNSID, nsid);
  return message;
}

Message create_veth(const NewVeth& veth, std::string doing) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, std::move(doing));
  message.header(link_header({}));
  message.put_string(IFLA_IFNAME, veth.name).put(IFLA_ADDRESS, veth.address);
  if (veth.mtu_bytes) message.put_u32(IFLA_MTU, *veth.mtu_bytes);
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, "veth").begin(IFLA_INFO_DATA);
  message.begin(VETH_INFO_PEER).header(link_header({}));
  message.put_string(IFLA_IFNAME, veth.peer_name)
      .put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(veth.peer_netns_fd));
  if (veth.peer_address) message.put(IFLA_ADDRESS, veth.peer_address->bytes());
  if (veth.mtu_bytes) message.put_u32(IFLA_MTU, *veth.mtu_bytes);
  message.end().end().end();
  return message;
}

}  // namespace netlend
