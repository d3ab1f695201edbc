#include "net/kernel/identity.hpp"

#include <fmt/core.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "net/kernel/kind_options.hpp"

namespace netlend {

namespace {
/// One component of a path whatever the driver called its device.
std::string file_name_part(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == ':' || c == '.' || c == '_';
    out += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

/// Those whose rtnl_link_ops tell of a namespace of their own, and not of that of a lower device,
/// which can move as well.
bool belongs_to_namespace(std::string_view kind) {
  constexpr std::array<std::string_view, 15> kTunnels{
      "vxlan", "geneve", "gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan",
      "ipip",  "sit",    "vti", "ip6tnl", "vti6",   "xfrm",   "bareudp"};
  return std::find(kTunnels.begin(), kTunnels.end(), kind) != kTunnels.end();
}
}  // namespace

DeviceIdentity identify_device(const LinkState& link) {
  return {.parent_bus = link.parent_bus,
          .parent_device = link.parent_device,
          .port_name = link.port_name,
          .permanent_address = link.permanent_address,
          .kind = link.kind,
          .home_ifindex = link.ifindex,
          .peer = link.lower,
          .peer_nsid = link.lower_nsid,
          .fixed_options = fixed_kind_options(link.kind, link.kind_data)};
}

bool is_physical(const DeviceIdentity& identity) {
  // An ipvlan has the permanent address of what it stands on, as have all others there.
  const bool has_own_address = identity.kind.empty() && !identity.permanent_address.empty();
  return has_own_address || !identity.parent_device.empty();
}

std::string lease_name(const DeviceIdentity& identity, const NetnsIdentity& home) {
  if (!is_physical(identity)) {
    return fmt::format("virtual-{}-{}", home.cookie, identity.home_ifindex.value);
  }
  // Several ports of one parent device differ in port name or permanent address.
  std::string name = "device";
  for (const auto& part : {identity.parent_bus, identity.parent_device, identity.port_name,
                           to_hex(identity.permanent_address)}) {
    if (!part.empty()) name += "-" + file_name_part(part);
  }
  return name;
}

bool could_be(const DeviceIdentity& identity, const LinkState& link) {
  // A macvlan or vlan stays on its lower device, which a borrower can't put one of its own on.
  // The device of a tunnel is an option, which it can change; without one it names itself, but only
  // away from home (net/core/rtnetlink.c, nla_put_iflink).
  const bool stays_on_it = identity.kind != "veth" && !belongs_to_namespace(identity.kind);
  const bool names_itself = !identity.peer && link.lower == link.ifindex;
  if (stays_on_it && identity.peer != link.lower && !names_itself) return false;
  return identity.parent_bus == link.parent_bus && identity.parent_device == link.parent_device &&
         identity.port_name == link.port_name &&
         identity.permanent_address == link.permanent_address && identity.kind == link.kind &&
         identity.fixed_options == fixed_kind_options(link.kind, link.kind_data);
}

bool goes_through_home(const DeviceIdentity& identity, Site& home, Site& there,
                       const LinkState& link) {
  if (!belongs_to_namespace(identity.kind)) return true;
  if (there.netns.identity() == home.netns.identity()) {
    return link.lower_nsid == identity.peer_nsid;
  }
  // At home it went through another namespace, which is the one where it is now.
  const bool is_beside = identity.peer_nsid && nsid_of(home, there.netns) == identity.peer_nsid;
  if (is_beside) return !link.lower_nsid;
  if (!link.lower_nsid) return false;
  return identity.peer_nsid || nsid_of(there, home.netns) == link.lower_nsid;
}

std::optional<VethPlace> find_veth(Site& home, const DeviceIdentity& identity) {
  if (!identity.peer) return std::nullopt;
  const auto peer = find_link_in(home.socket, *identity.peer, identity.peer_nsid);
  if (!peer || peer->kind != "veth" || !peer->lower) return std::nullopt;
  // Without an id it is beside its other end.
  return VethPlace{.ifindex = *peer->lower,
                   .nsid = peer->lower_nsid ? peer->lower_nsid : identity.peer_nsid};
}

std::optional<std::uint32_t> nsid_of(Site& home, const Netns& netns) {
  Message message(RTM_GETNSID, 0, fmt::format("look up the id of {}", netns.name()));
  rtgenmsg header{};
  header.rtgen_family = AF_UNSPEC;
  message.header(header);
  message.put_u32(NETNSA_FD, static_cast<std::uint32_t>(netns.fd()));
  const auto reply = home.socket.find(message);
  if (!reply) return std::nullopt;
  const auto nsid = reply->attributes(sizeof header).u32(NETNSA_NSID);
  constexpr auto kNotAssigned = static_cast<std::uint32_t>(NETNSA_NSID_NOT_ASSIGNED);
  if (!nsid || *nsid == kNotAssigned) return std::nullopt;
  return nsid;
}

std::vector<std::uint32_t> list_nsids(Site& site) {
  Message message(RTM_GETNSID, 0, "list the known network namespaces");
  message.header(rtgenmsg{});
  std::vector<std::uint32_t> nsids;
  for (const auto& reply : site.socket.dump(message)) {
    if (const auto nsid = reply.attributes(sizeof(rtgenmsg)).u32(NETNSA_NSID)) {
      nsids.push_back(*nsid);
    }
  }
  return nsids;
}

}  // namespace netlend
