#include "net/snapshot/bridge_port.hpp"

#include <endian.h>
#include <fmt/core.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/in.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>

#include "base/poll_until.hpp"
#include "base/text.hpp"
#include "net/snapshot/deadline.hpp"

namespace netlend {

namespace {
// Newer than Debian 12's headers (include/uapi/linux/if_bridge.h).
constexpr std::uint16_t kVlanMcastMaxGroups = 8;
constexpr std::uint16_t kVlanNeighbourSuppress = 9;
constexpr int kGroupSources = 2;   // MDBE_ATTR_SRC_LIST
constexpr int kGroupMode = 3;      // MDBE_ATTR_GROUP_MODE
constexpr int kGroupProtocol = 4;  // MDBE_ATTR_RTPROT
constexpr int kSourceEntry = 1;    // MDBE_SRC_LIST_ENTRY
constexpr int kSourceAddress = 1;  // MDBE_SRCATTR_ADDRESS
constexpr std::uint16_t kDeadline = MDBA_MDB_EATTR_TIMER;
constexpr Patience kForwardingPatience{.timeout_ms = 1000, .interval_us = 5'000};

bool is_kept_of_vlan(std::uint16_t type) {
  return type == BRIDGE_VLANDB_ENTRY_RANGE || type == BRIDGE_VLANDB_ENTRY_STATE ||
         type == BRIDGE_VLANDB_ENTRY_TUNNEL_INFO || type == BRIDGE_VLANDB_ENTRY_MCAST_ROUTER ||
         type == kVlanMcastMaxGroups || type == kVlanNeighbourSuppress;
}

RawRecord parse_vlan(std::string_view bytes) {
  RawRecord vlan;
  const Attributes attributes(bytes);
  vlan.header = attributes.find(BRIDGE_VLANDB_ENTRY_INFO).value_or("");
  for (const auto& [type, value] : attributes.all()) {
    if (is_kept_of_vlan(type)) vlan.attributes.emplace(type, value);
  }
  return vlan;
}

Message vlan_message(std::uint16_t type, IfIndex port, std::string doing) {
  Message message(type, 0, std::move(doing));
  br_vlan_msg header{};
  header.family = AF_BRIDGE;
  header.ifindex = static_cast<std::uint32_t>(port.value);
  message.header(header);
  return message;
}

std::vector<RawRecord> list_vlans(RouteSocket& socket, IfIndex port) {
  const Message message =
      vlan_message(RTM_GETVLAN, port, fmt::format("list the VLANs of port {}", port.value));
  std::vector<RawRecord> vlans;
  for (const auto& reply : socket.dump(message)) {
    const Attributes attributes = reply.attributes(sizeof(br_vlan_msg));
    for (const auto& [type, bytes] : attributes.all()) {
      if (type == BRIDGE_VLANDB_ENTRY) vlans.push_back(parse_vlan(bytes));
    }
  }
  return vlans;
}

/// The addresses of the sources in the order and form in which they came, without their timers.
std::string without_timers(std::string_view sources) {
  std::string out(sources);
  const Attributes list(out);
  for (const auto& source : list.all()) {
    const Attributes attributes(source.second);
    const auto timer = attributes.find(MDBA_MDB_SRCATTR_TIMER);
    if (!timer) continue;
    const auto offset = static_cast<std::size_t>(timer->data() - out.data());
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(offset), timer->size(), '\0');
  }
  return out;
}

/// The moment when a group ends that is only there for a time; of one for some sources, the last
/// of them.
std::int64_t ticks_left(const Attributes& group) {
  std::uint32_t ticks = group.u32(MDBA_MDB_EATTR_TIMER).value_or(0);
  const Attributes sources = group.nested(MDBA_MDB_EATTR_SRC_LIST);
  for (const auto& source : sources.all()) {
    ticks = std::max(ticks, Attributes(source.second).u32(MDBA_MDB_SRCATTR_TIMER).value_or(0));
  }
  return ticks;
}

void parse_group(std::string_view bytes, IfIndex port, std::vector<RawRecord>& groups) {
  br_mdb_entry entry;
  if (bytes.size() < sizeof entry) return;
  std::memcpy(&entry, bytes.data(), sizeof entry);
  if (entry.ifindex != static_cast<std::uint32_t>(port.value)) return;
  entry.ifindex = 0;
  entry.flags = 0;  // What the kernel says of it: MDB_FLAGS_*.
  RawAttributes kept;
  const Attributes attributes(bytes.substr(NLMSG_ALIGN(sizeof entry)));
  for (const auto& [type, value] : attributes.all()) {
    if (type == MDBA_MDB_EATTR_SRC_LIST) {
      kept.emplace(type, without_timers(value));
    } else if (type != MDBA_MDB_EATTR_TIMER) {
      kept.emplace(type, value);
    }
  }
  auto group = make_record(entry, std::move(kept));
  // What the bridge heard, and its own companions of an entry that has sources.
  const auto protocol = number_of<std::uint8_t>(group, MDBA_MDB_EATTR_RTPROT);
  if (protocol == RTPROT_KERNEL) return;
  if (entry.state != MDB_PERMANENT) {
    if (protocol == RTPROT_UNSPEC) return;  // A kernel that doesn't tell whose it is.
    keep_deadline(group, kDeadline, ms_of_ticks(ticks_left(attributes)));
  }
  groups.push_back(std::move(group));
}

std::vector<RawRecord> list_groups(RouteSocket& socket, IfIndex port, IfIndex bridge) {
  Message message(RTM_GETMDB, 0, fmt::format("list the multicast groups of port {}", port.value));
  br_port_msg header{};
  header.family = AF_BRIDGE;
  message.header(header);  // The kernel has no filter.
  std::vector<RawRecord> groups;
  for (const auto& reply : socket.dump(message)) {
    if (reply.header<br_port_msg>().ifindex != static_cast<std::uint32_t>(bridge.value)) continue;
    const Attributes database = reply.attributes(sizeof header).nested(MDBA_MDB);
    for (const auto& entry : database.all()) {
      const Attributes infos(entry.second);
      for (const auto& info : infos.all()) parse_group(info.second, port, groups);
    }
  }
  std::sort(groups.begin(), groups.end());  // The kernel lists them by the buckets of a hash.
  return groups;
}

std::uint16_t last_of(const RawRecord& vlan) {
  const auto last = number_of<std::uint16_t>(vlan, BRIDGE_VLANDB_ENTRY_RANGE);
  return last != 0 ? last : header_of<bridge_vlan_info>(vlan).vid;
}

/// RTM_SETLINK adds VLANs, RTM_DELLINK removes them.
Message change_vlan(std::uint16_t type, IfIndex port, const RawRecord& vlan, std::string doing) {
  Message message(type, 0, std::move(doing));
  ifinfomsg header{};
  header.ifi_family = AF_BRIDGE;
  header.ifi_index = port.value;
  message.header(header);
  auto info = header_of<bridge_vlan_info>(vlan);
  info.flags &= BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
  const auto put = [&](int flag, std::uint16_t vid) {
    bridge_vlan_info one = info;
    one.flags = static_cast<std::uint16_t>(one.flags | flag);
    one.vid = vid;
    message.put(IFLA_BRIDGE_VLAN_INFO, {reinterpret_cast<const char*>(&one), sizeof one});
  };
  message.begin(IFLA_AF_SPEC);
  if (last_of(vlan) == info.vid) {
    put(0, info.vid);
  } else {
    put(BRIDGE_VLAN_INFO_RANGE_BEGIN, info.vid);
    put(BRIDGE_VLAN_INFO_RANGE_END, last_of(vlan));
  }
  message.end();
  return message;
}

Message set_vlan_options(IfIndex port, const RawRecord& vlan, std::string doing) {
  Message message = vlan_message(RTM_NEWVLAN, port, std::move(doing));
  message.begin(BRIDGE_VLANDB_ENTRY).put(BRIDGE_VLANDB_ENTRY_INFO, vlan.header);
  for (const auto& [type, bytes] : vlan.attributes) {
    if (type != BRIDGE_VLANDB_ENTRY_TUNNEL_INFO) {
      message.put(type, bytes);
      continue;
    }
    message.begin(type);
    message.put_u32(BRIDGE_VLANDB_TINFO_ID,
                    Attributes(bytes).u32(BRIDGE_VLANDB_TINFO_ID).value_or(0));
    message.put_u32(BRIDGE_VLANDB_TINFO_CMD, RTM_SETLINK).end();
  }
  return std::move(message.end());
}

Message add_group(IfIndex port, IfIndex bridge, const RawRecord& group, std::string doing) {
  Message message(RTM_NEWMDB, NLM_F_CREATE | NLM_F_REPLACE, std::move(doing));
  br_port_msg header{};
  header.family = AF_BRIDGE;
  header.ifindex = static_cast<std::uint32_t>(bridge.value);
  message.header(header);
  auto entry = header_of<br_mdb_entry>(group);
  entry.ifindex = static_cast<std::uint32_t>(port.value);
  message.put(MDBA_SET_ENTRY, {reinterpret_cast<const char*>(&entry), sizeof entry});
  message.begin(MDBA_SET_ENTRY_ATTRS);
  // The kernel takes the same under other numbers than it sends; what is its default is left out,
  // since before Linux 6.3 it takes nothing but a source.
  const std::string_view source_address = bytes_of(group, MDBA_MDB_EATTR_SOURCE);
  if (!source_address.empty()) message.put(MDBE_ATTR_SOURCE, source_address);
  const auto protocol = number_of<std::uint8_t>(group, MDBA_MDB_EATTR_RTPROT);
  if (protocol != 0 && protocol != RTPROT_STATIC) message.put_u8(kGroupProtocol, protocol);
  const auto mode = number_of<std::uint8_t>(group, MDBA_MDB_EATTR_GROUP_MODE);
  if (source_address.empty() && mode == MCAST_INCLUDE) message.put_u8(kGroupMode, mode);
  const Attributes sources(bytes_of(group, MDBA_MDB_EATTR_SRC_LIST));
  if (!sources.all().empty()) {
    message.begin(kGroupSources);
    for (const auto& source : sources.all()) {
      message.begin(kSourceEntry)
          .put(kSourceAddress,
               Attributes(source.second).find(MDBA_MDB_SRCATTR_ADDRESS).value_or(""))
          .end();
    }
    message.end();
  }
  return std::move(message.end());
}

void restore_vlans(Restoration& restoration, const BridgePort& home) {
  auto& socket = restoration.site.socket;
  const auto have = list_vlans(socket, restoration.ifindex);
  if (have == home.vlans) return;
  for (const auto& vlan : have) {
    if (contains(home.vlans, vlan)) continue;
    restoration.call(
        change_vlan(RTM_DELLINK, restoration.ifindex, vlan, restoration.doing("the VLANs")));
  }
  for (const auto& vlan : home.vlans) {
    if (contains(have, vlan)) continue;
    restoration.call(change_vlan(RTM_SETLINK, restoration.ifindex, vlan,
                                 restoration.doing("VLAN " + describe_vlan(vlan))));
  }
  const auto now = list_vlans(socket, restoration.ifindex);
  for (const auto& vlan : home.vlans) {
    if (contains(now, vlan)) continue;
    restoration.call(
        set_vlan_options(restoration.ifindex, vlan,
                         restoration.doing("the options of VLAN " + describe_vlan(vlan))));
  }
}

void restore_groups(Restoration& restoration, const std::vector<RawRecord>& groups,
                    IfIndex bridge) {
  const auto have = list_groups(restoration.site.socket, restoration.ifindex, bridge);
  for (const auto& group : groups) {
    if (!is_missing(have, group, kDeadline)) continue;
    restoration.call(add_group(restoration.ifindex, bridge, group,
                               restoration.doing("multicast group " + describe_group(group))));
  }
}

/// `state`: MDB_PERMANENT or MDB_TEMPORARY.
std::vector<RawRecord> groups_of(const BridgePort& port, std::uint8_t state) {
  std::vector<RawRecord> groups;
  std::copy_if(
      port.groups.begin(), port.groups.end(), std::back_inserter(groups),
      [&](const RawRecord& group) { return header_of<br_mdb_entry>(group).state == state; });
  return groups;
}

bool is_forwarding(RouteSocket& socket, IfIndex port) {
  Message message(RTM_GETLINK, 0, fmt::format("look up port {}", port.value));
  ifinfomsg header{};
  header.ifi_index = port.value;
  message.header(header).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  const Reply reply = socket.get(message);
  const Attributes data =
      reply.attributes(sizeof header).nested(IFLA_LINKINFO).nested(IFLA_INFO_SLAVE_DATA);
  const int state = data.u8(IFLA_BRPORT_STATE).value_or(BR_STATE_DISABLED);
  return state == BR_STATE_LEARNING || state == BR_STATE_FORWARDING;
}

// What the kernel has been built without, the bridge has no attribute for.
bool has_vlans(const LinkState& bridge) {
  return Attributes(bridge.kind_data).find(IFLA_BR_VLAN_DEFAULT_PVID).has_value();
}
bool has_groups(const LinkState& bridge) {
  return Attributes(bridge.kind_data).find(IFLA_BR_MCAST_SNOOPING).has_value();
}
}  // namespace

BridgePort observe_bridge_port(RouteSocket& socket, IfIndex port, const LinkState& bridge) {
  BridgePort found;
  if (has_vlans(bridge)) found.vlans = list_vlans(socket, port);
  if (has_groups(bridge)) {
    found.groups = list_groups(socket, port, bridge.ifindex);
  }
  return found;
}

bool is_learning(const LinkState& port) {
  if (!port.master || port.master->kind != "bridge") return false;
  const auto& attributes = port.master->port_attributes;
  const auto value = attributes.find(IFLA_BRPORT_LEARNING);
  return value == attributes.end() || value->second != std::string(1, '\0');
}

std::string describe_vlan(const RawRecord& vlan) {
  const auto info = header_of<bridge_vlan_info>(vlan);
  std::string out = std::to_string(info.vid);
  if (last_of(vlan) != info.vid) out += fmt::format("-{}", last_of(vlan));
  if ((info.flags & BRIDGE_VLAN_INFO_PVID) != 0) out += " pvid";
  if ((info.flags & BRIDGE_VLAN_INFO_UNTAGGED) != 0) out += " untagged";
  return out;
}

std::string describe_group(const RawRecord& group) {
  const auto entry = header_of<br_mdb_entry>(group);
  const auto text = [](const void* bytes, std::size_t size) {
    return IpAddress::from_bytes({static_cast<const char*>(bytes), size}).str();
  };
  std::string out;
  if (entry.addr.proto == htobe16(ETH_P_IP)) {
    out = text(&entry.addr.u.ip4, sizeof entry.addr.u.ip4);
  } else if (entry.addr.proto == htobe16(ETH_P_IPV6)) {
    out = text(&entry.addr.u.ip6, sizeof entry.addr.u.ip6);
  } else {
    out = format_link_address({reinterpret_cast<const char*>(&entry.addr.u), ETH_ALEN});
  }
  if (const auto source = bytes_of(group, MDBA_MDB_EATTR_SOURCE); !source.empty()) {
    out += " from " + text(source.data(), source.size());
  }
  if (entry.vid != 0) out += fmt::format(" vlan {}", entry.vid);
  if (entry.state != MDB_PERMANENT) out += " temp";
  return out;
}

std::vector<std::string> port_differences(const BridgePort& home, const BridgePort& now) {
  std::vector<std::string> found;
  for (const auto& vlan : home.vlans) {
    if (contains(now.vlans, vlan)) continue;
    found.push_back(fmt::format("VLAN '{}' of its bridge port is missing", describe_vlan(vlan)));
  }
  for (const auto& vlan : now.vlans) {
    if (contains(home.vlans, vlan)) continue;
    found.push_back(
        fmt::format("VLAN '{}' of its bridge port was not there at home", describe_vlan(vlan)));
  }
  for (const auto& group : home.groups) {
    if (!is_missing(now.groups, group, kDeadline)) continue;
    found.push_back(
        fmt::format("multicast group '{}' of its bridge port is missing", describe_group(group)));
  }
  return found;
}

void restore_bridge_port(Restoration& restoration, const BridgePort& home,
                         const LinkState& bridge) {
  if (has_vlans(bridge)) attempt(restoration.failures, [&] { restore_vlans(restoration, home); });
  const auto permanent = groups_of(home, MDB_PERMANENT);
  if (permanent.empty()) return;
  attempt(restoration.failures, [&] { restore_groups(restoration, permanent, bridge.ifindex); });
}

void restore_temporary_groups(Restoration& restoration, const BridgePort& home,
                              const LinkState& bridge) {
  const auto temporary = groups_of(home, MDB_TEMPORARY);
  if (temporary.empty()) return;
  await_forwarding(restoration);
  attempt(restoration.failures, [&] { restore_groups(restoration, temporary, bridge.ifindex); });
}

void await_forwarding(Restoration& restoration) {
  attempt(restoration.failures, [&] {
    poll_until([&] { return is_forwarding(restoration.site.socket, restoration.ifindex); },
               kForwardingPatience);
  });
}

}  // namespace netlend
