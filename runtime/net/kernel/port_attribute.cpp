#include "net/kernel/port_attribute.hpp"

#include <linux/if_link.h>

#include <algorithm>
#include <array>

namespace netlend {

namespace {
struct PortAttribute {
  std::uint16_t type;
  std::string_view name;
};

// Newer than Debian 12's headers (include/uapi/linux/if_link.h).
constexpr int kBridgeMacAuthBypass = 42;
constexpr int kBridgeMcastMaxGroups = 44;
constexpr int kBridgeNeighbourVlanSuppress = 45;
constexpr int kBridgeBackupNexthop = 46;
constexpr int kBondPriority = 9;
constexpr int kBondActorPortPriority = 10;

// What br_setport() writes (net/bridge/br_netlink.c), without the STP state, which follows the
// link.
constexpr std::array kBridgeAttributes{
    PortAttribute{IFLA_BRPORT_PRIORITY, "priority"},
    PortAttribute{IFLA_BRPORT_COST, "cost"},
    PortAttribute{IFLA_BRPORT_MODE, "hairpin"},
    PortAttribute{IFLA_BRPORT_GUARD, "guard"},
    PortAttribute{IFLA_BRPORT_PROTECT, "root_block"},
    PortAttribute{IFLA_BRPORT_FAST_LEAVE, "fastleave"},
    PortAttribute{IFLA_BRPORT_LEARNING, "learning"},
    PortAttribute{IFLA_BRPORT_UNICAST_FLOOD, "flood"},
    PortAttribute{IFLA_BRPORT_PROXYARP, "proxy_arp"},
    PortAttribute{IFLA_BRPORT_PROXYARP_WIFI, "proxy_arp_wifi"},
    PortAttribute{IFLA_BRPORT_MULTICAST_ROUTER, "mcast_router"},
    PortAttribute{IFLA_BRPORT_MCAST_FLOOD, "mcast_flood"},
    PortAttribute{IFLA_BRPORT_MCAST_TO_UCAST, "mcast_to_unicast"},
    PortAttribute{IFLA_BRPORT_VLAN_TUNNEL, "vlan_tunnel"},
    PortAttribute{IFLA_BRPORT_BCAST_FLOOD, "bcast_flood"},
    PortAttribute{IFLA_BRPORT_GROUP_FWD_MASK, "group_fwd_mask"},
    PortAttribute{IFLA_BRPORT_NEIGH_SUPPRESS, "neigh_suppress"},
    PortAttribute{IFLA_BRPORT_ISOLATED, "isolated"},
    PortAttribute{IFLA_BRPORT_BACKUP_PORT, "backup_port"},
    PortAttribute{IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT, "mcast_eht_hosts_limit"},
    PortAttribute{IFLA_BRPORT_LOCKED, "locked"},
    PortAttribute{kBridgeMacAuthBypass, "mab"},
    PortAttribute{kBridgeMcastMaxGroups, "mcast_max_groups"},
    PortAttribute{kBridgeNeighbourVlanSuppress, "neigh_vlan_suppress"},
    PortAttribute{kBridgeBackupNexthop, "backup_nhid"}};

// What bond_slave_changelink() writes (drivers/net/bonding/bond_netlink.c).
constexpr std::array kBondAttributes{
    PortAttribute{IFLA_BOND_SLAVE_QUEUE_ID, "queue_id"}, PortAttribute{kBondPriority, "prio"},
    PortAttribute{kBondActorPortPriority, "actor_port_prio"},
    PortAttribute{IFLA_BOND_SLAVE_PERM_HWADDR, "address before it joined"}};
}  // namespace

std::string_view port_attribute_name(std::string_view kind, std::uint16_t type) {
  const auto find = [&](const auto& table) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const auto& entry) { return entry.type == type; });
    return found == table.end() ? std::string_view{} : found->name;
  };
  if (kind == "bridge") return find(kBridgeAttributes);
  if (kind == "bond") return find(kBondAttributes);
  return {};
}

RawAttributes kept_port_attributes(std::string_view kind, const Attributes& port) {
  RawAttributes kept;
  for (const auto& [type, bytes] : port.all()) {
    if (!port_attribute_name(kind, type).empty()) kept.emplace(type, bytes);
  }
  return kept;
}

}  // namespace netlend
