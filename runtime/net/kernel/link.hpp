#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/message.hpp"
#include "net/kernel/names.hpp"
#include "net/kernel/raw_attributes.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// What a device is enslaved to.
struct LinkMaster {
  IfIndex ifindex;
  /// "bridge", "bond", ...; empty where the master's kind has no port attributes.
  std::string kind;
  /// Those that can be written back.
  RawAttributes port_attributes;
  bool operator==(const LinkMaster&) const = default;
};

/// That a device is held without a carrier, and the bits of who holds it so (IFLA_PROTO_DOWN).
struct ProtocolDown {
  bool is_down = false;
  std::uint32_t reasons = 0;
  bool operator==(const ProtocolDown&) const = default;
};

/// What one RTM_NEWLINK message says of a device.
struct LinkState {
  IfIndex ifindex;
  std::string name;
  std::vector<std::string> altnames;  // in the order of their adding
  std::string alias;
  /// "veth", "macvlan", ...; empty for a physical device.
  std::string kind;
  /// IFLA_INFO_DATA as sent; what the kind's own options are.
  std::string kind_data;
  /// IFF_*, netdevice(7).
  std::uint32_t flags = 0;
  std::uint32_t mtu_bytes = 0;
  std::string address;            // raw bytes
  std::string broadcast;          // raw bytes
  std::string permanent_address;  // raw bytes; empty for a virtual device
  /// Numbers that can be set as they were read (IFLA_TXQLEN, IFLA_GROUP, IFLA_GSO_MAX_SIZE, ...).
  std::map<std::uint16_t, std::uint32_t> tunables;
  /// IF_LINK_MODE_*; this and the next are absent only in a ledger of a netlend that didn't look.
  std::optional<std::uint8_t> mode;
  std::optional<ProtocolDown> protocol_down;
  std::optional<LinkMaster> master;
  /// IN6_ADDR_GEN_MODE_*; absent without IPv6.
  std::optional<std::uint8_t> addrgenmode;
  /// The host part of addresses that routers announce a network for, 16 raw bytes; empty: none.
  std::string ipv6_token;
  /// IPv6 has seen it up with a carrier (IF_READY).
  bool ipv6_ready = false;
  bool has_carrier = false;
  /// The other end or the device below, and the id of its namespace if that isn't this one.
  std::optional<IfIndex> lower;
  std::optional<std::uint32_t> lower_nsid;
  std::string parent_bus;
  std::string parent_device;
  std::string port_name;
  /// By XDP mode (XDP_FLAGS_SKB_MODE, ...) the program's id; in the ledger it is of the settings.
  std::map<std::uint32_t, std::uint32_t> xdp_programs;
  /// Present from Linux 6.15: can't be moved.
  std::optional<bool> netns_immutable;
  /// Whether the end of a namespace sends it home; absent where the kernel doesn't know of homes,
  /// and in a ledger. Source: kernel/patches/6.12-home.
  std::optional<bool> returns;

  bool is_up() const noexcept;
  bool is_loopback() const noexcept;
  bool operator==(const LinkState&) const = default;
};

/// Throws Error (ENODEV).
LinkState read_link(RouteSocket& socket, IfIndex ifindex);
std::optional<LinkState> find_link(RouteSocket& socket, IfIndex ifindex);
/// Whether the kernel sends what is sent by the device: one that was set up before it had a carrier
/// drops it until a worker has seen the carrier (net/core/link_watch.c).
bool can_send(RouteSocket& socket, IfIndex ifindex);
/// As seen from here in the namespace with that id (IFLA_TARGET_NETNSID); without one, in ours.
std::optional<LinkState> find_link_in(RouteSocket& socket, IfIndex ifindex,
                                      std::optional<std::uint32_t> nsid);
/// By name or altname, as the kernel looks it up.
std::optional<LinkState> find_link(RouteSocket& socket, const std::string& name);
/// All of them: for `show` and for finding a MAC or PCI address, never for a device that has a
/// name.
std::vector<LinkState> list_links(RouteSocket& socket);
struct LinksOver {
  const char* kind;
  IfIndex lower;
  /// Nothing: the namespace of the socket.
  std::optional<std::uint32_t> nsid;
};
/// The devices of that kind, in the namespace with that id, whose other end, or device below, has
/// this index anywhere. Nothing where the kernel knows no such kind, be it that its module isn't
/// loaded: then the socket can't be asked for a list any more.
std::optional<std::vector<LinkState>> list_links_over(RouteSocket& socket, const LinksOver& wanted);
/// The devices that are in a bridge, a bond or a VRF.
std::vector<LinkState> list_ports(RouteSocket& socket, IfIndex master);

/// What a move needs besides the device.
struct MoveTarget {
  int netns_fd = -1;
  /// The index it is to have there (EBUSY if taken); absent: its own if free, else any.
  std::optional<IfIndex> ifindex;
  /// "lent%d": a name for it if its own is taken there; empty: then EEXIST, and nothing has
  /// changed.
  std::string fallback_name;
  /// It is to return from there when that namespace ends (EOPNOTSUPP for a virtual device, EBUSY
  /// for one that is lent already); only where LinkState::returns is known.
  bool returns = false;
};

Message move_link(const LinkState& link, const MoveTarget& target, std::string doing);
Message rename_link(IfIndex ifindex, const std::string& name, std::string doing);
/// Sets the IFF_* of `mask` as in `flags`.
Message set_link_flags(IfIndex ifindex, std::uint32_t flags, std::uint32_t mask, std::string doing);
Message set_link_mtu(IfIndex ifindex, std::uint32_t mtu_bytes, std::string doing);
Message set_link_address(IfIndex ifindex, const std::string& bytes, std::string doing);
Message set_link_mode(IfIndex ifindex, std::uint8_t mode, std::string doing);
/// EPERM for a tap that nobody has open, EOPNOTSUPP for all but that and a dummy.
Message set_link_carrier(IfIndex ifindex, bool carrier, std::string doing);
/// Of the reasons those of `mask` become as in `wanted`. Source: net/core/rtnetlink.c,
/// do_set_proto_down.
Message set_protocol_down(IfIndex ifindex, const ProtocolDown& wanted, std::uint32_t mask,
                          std::string doing);
Message set_link_master(IfIndex ifindex, IfIndex master, std::string doing);
Message set_link_addrgenmode(IfIndex ifindex, std::uint8_t mode, std::string doing);
/// Of 16 bytes, or none: "::7", "::".
std::string format_token(const std::string& bytes);
/// Source: net/ipv6/addrconf.c, inet6_set_iftoken: needs router advertisements to be accepted.
/// With all bytes zero it has none.
Message set_link_token(IfIndex ifindex, const std::string& bytes, std::string doing);
Message add_altname(IfIndex ifindex, const std::string& altname, std::string doing);
Message remove_altname(IfIndex ifindex, const std::string& altname, std::string doing);
Message delete_link(IfIndex ifindex, std::string doing);
/// In the namespace with that id.
Message delete_link_in(IfIndex ifindex, std::uint32_t nsid, std::string doing);

/// A pair of which one end is made here and the other in another namespace at once.
struct NewVeth {
  std::string name;
  std::string address;  // raw bytes
  std::string peer_name;
  int peer_netns_fd = -1;
  std::optional<MacAddress> peer_address;
  std::optional<std::uint32_t> mtu_bytes;
};
Message create_veth(const NewVeth& veth, std::string doing);

/// An empty RTM_NEWLINK for one device, to put attributes into.
Message change_link(IfIndex ifindex, std::string doing);

}  // namespace netlend
