#include "net/master.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"

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

std::string_view name_of(std::string_view kind, std::uint16_t type) {
  const auto find = [&](const auto& table) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const auto& entry) { return entry.type == type; });
    return found == table.end() ? std::string_view{} : found->name;
  };
  if (kind == "bridge") return find(kBridgeAttributes);
  if (kind == "bond") return find(kBondAttributes);
  return {};
}

std::string value_text(std::string_view bytes) {
  std::uint32_t number = 0;
  if (bytes.size() > sizeof number) return format_link_address(bytes);
  std::memcpy(&number, bytes.data(), bytes.size());
  return std::to_string(number);
}

bool is_same(const NamedMaster& left, const NamedMaster& right) {
  if (!left.master || !right.master) return left.master.has_value() == right.master.has_value();
  if (left.master->kind != right.master->kind) return false;
  if (left.name.empty() || right.name.empty()) return left.master->ifindex == right.master->ifindex;
  return left.name == right.name;
}

std::string text_of(const NamedMaster& named) {
  return named.master ? describe(*named.master, named.name) : "none";
}

/// Nothing where it is gone.
std::optional<LinkState> find_master(Site& site, const NamedMaster& home) {
  auto found = find_link(site.socket, home.master->ifindex);
  const bool is_it = found && (home.name.empty() || found->name == home.name);
  if (!is_it && !home.name.empty()) found = find_link(site.socket, home.name);
  if (found && !home.master->kind.empty() && found->kind != home.master->kind) return std::nullopt;
  return found;
}

void restore_attributes(Restoration& restoration, const LinkMaster& home) {
  RawAttributes attributes = home.port_attributes;
  if (home.kind == "bond") attributes.erase(IFLA_BOND_SLAVE_PERM_HWADDR);
  if (attributes.empty()) return;
  Message message = change_link(restoration.ifindex, restoration.doing("the port attributes"));
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_SLAVE_KIND, home.kind);
  message.begin(IFLA_INFO_SLAVE_DATA);
  for (const auto& [type, bytes] : attributes) message.put(type, bytes);
  restoration.call(message.end().end());
}
}  // namespace

RawAttributes kept_port_attributes(std::string_view kind, const Attributes& port) {
  RawAttributes kept;
  for (const auto& [type, bytes] : port.all()) {
    if (!name_of(kind, type).empty()) kept.emplace(type, bytes);
  }
  return kept;
}

std::optional<std::string> why_not_writable(const LinkMaster& master) {
  if (master.kind == "bridge" || master.kind == "bond" || master.kind == "vrf") return std::nullopt;
  return fmt::format("netlend doesn't restore places in a master of {}",
                     master.kind.empty() ? "unknown kind" : fmt::format("kind '{}'", master.kind));
}

std::string describe(const LinkMaster& master, const std::string& name) {
  const std::string_view kind = master.kind.empty() ? "master" : std::string_view(master.kind);
  if (name.empty()) return fmt::format("{} device {}", kind, master.ifindex.value);
  return fmt::format("{} '{}'", kind, printable(name));
}

std::vector<std::string> master_differences(const NamedMaster& home, const NamedMaster& now) {
  if (!is_same(home, now)) {
    return {fmt::format("master is {}, was {} at home", text_of(now), text_of(home))};
  }
  std::vector<std::string> found;
  if (!home.master) return found;
  const auto& have = now.master->port_attributes;
  for (const auto& [type, bytes] : home.master->port_attributes) {
    const auto value = have.find(type);
    if (value != have.end() && value->second == bytes) continue;
    found.push_back(fmt::format(
        "{} in {} is {}, was {} at home", name_of(home.master->kind, type), text_of(home),
        value == have.end() ? "absent" : value_text(value->second), value_text(bytes)));
  }
  return found;
}

const std::string& address_to_join_with(const LinkState& home) {
  if (!home.master || home.master->kind != "bond") return home.address;
  const auto found = home.master->port_attributes.find(IFLA_BOND_SLAVE_PERM_HWADDR);
  return found == home.master->port_attributes.end() ? home.address : found->second;
}

void restore_master(Restoration& restoration, const LinkState& now, const NamedMaster& home) {
  const auto have = now.master ? now.master->ifindex : IfIndex{0};
  if (!home.master) {
    if (now.master)
      restoration.call(
          set_link_master(restoration.ifindex, IfIndex{0}, restoration.doing("the master")));
    return;
  }
  attempt(restoration.failures, [&] {
    const auto master = find_master(restoration.site, home);
    if (!master) {
      throw Error(fmt::format("{}: {} is gone", restoration.doing("the master"), text_of(home)),
                  ENODEV);
    }
    const bool is_in = master->ifindex == have ||
                       restoration.call(set_link_master(restoration.ifindex, master->ifindex,
                                                        restoration.doing("the master")));
    if (is_in) restore_attributes(restoration, *home.master);
  });
}

}  // namespace netlend
