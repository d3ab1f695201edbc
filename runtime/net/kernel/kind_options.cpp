#include "net/kernel/kind_options.hpp"

#include <linux/can/netlink.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>

#include "net/kernel/message.hpp"

namespace netlend {

namespace {
// Newer than Debian 12's headers (include/uapi/linux/if_link.h).
constexpr int kMacvlanBroadcastCutoff = 9;

constexpr std::array kBridge{
    IFLA_BR_ROOT_ID,        IFLA_BR_BRIDGE_ID,          IFLA_BR_ROOT_PORT,
    IFLA_BR_ROOT_PATH_COST, IFLA_BR_TOPOLOGY_CHANGE,    IFLA_BR_TOPOLOGY_CHANGE_DETECTED,
    IFLA_BR_HELLO_TIMER,    IFLA_BR_TCN_TIMER,          IFLA_BR_TOPOLOGY_CHANGE_TIMER,
    IFLA_BR_GC_TIMER,       IFLA_BR_MCAST_QUERIER_STATE};
constexpr std::array<int, 2> kBond{IFLA_BOND_ACTIVE_SLAVE, IFLA_BOND_AD_INFO};
constexpr std::array<int, 2> kCan{IFLA_CAN_STATE, IFLA_CAN_BERR_COUNTER};
constexpr std::array<int, 1> kHsr{IFLA_HSR_SEQ_NR};
// What the longest queue is of all macvlans of the same device, and how many addresses follow,
// which those say themselves; neither may be sent back (drivers/net/macvlan.c, macvlan_validate).
constexpr std::array<int, 2> kMacvlan{IFLA_MACVLAN_BC_QUEUE_LEN_USED, IFLA_MACVLAN_MACADDR_COUNT};

template <typename List, typename Value>
bool contains(const List& list, const Value& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

bool changes_by_itself(std::string_view kind, int type) {
  if (kind == "bridge") return contains(kBridge, type);
  if (kind == "bond") return contains(kBond, type);
  if (kind == "can") return contains(kCan, type);
  if (kind == "macvlan" || kind == "macvtap") return contains(kMacvlan, type);
  return kind == "hsr" && contains(kHsr, type);
}

bool is_fixed(std::string_view kind, int type) {
  if (kind == "vxlan") return type == IFLA_VXLAN_ID;
  // Whoever opens a tap can give it another owner and other headers, but not these two
  // (drivers/net/tun.c, tun_set_iff).
  if (kind == "tun") return type == IFLA_TUN_TYPE || type == IFLA_TUN_MULTI_QUEUE;
  return kind == "vlan" && type == IFLA_VLAN_ID;
}

/// As bytes, since what is kept can be sent back as it came.
template <typename Predicate>
std::string keep_if(std::string_view options, Predicate is_kept) {
  std::string kept;
  while (options.size() >= sizeof(nlattr)) {
    nlattr head;
    std::memcpy(&head, options.data(), sizeof head);
    if (head.nla_len < sizeof head) break;
    const std::size_t size = std::min<std::size_t>(NLA_ALIGN(head.nla_len), options.size());
    if (is_kept(head.nla_type & NLA_TYPE_MASK)) kept.append(options.substr(0, size));
    options.remove_prefix(size);
  }
  return kept;
}

// Of these the kernel changes what a request names, and refuses what can't be changed; of others,
// tunnels first of all, it takes what isn't named for zero.
constexpr std::array<std::string_view, 9> kChangedSingly{
    "vlan", "vxlan", "geneve", "macvlan", "macvtap", "ipvlan", "ipvtap", "netkit", "macsec"};

void put(std::string& options, int type, std::string_view value) {
  nlattr head{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size()),
              .nla_type = static_cast<std::uint16_t>(type)};
  options.append(reinterpret_cast<const char*>(&head), sizeof head).append(value);
  options.resize(NLA_ALIGN(options.size()), '\0');
}

template <typename Value>
std::string bytes_from(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Zero where it is too short.
template <typename Value>
Value value_of(std::string_view bytes) {
  Value value{};
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

bool is_any(int /*type*/) { return true; }

/// Of what differs; what isn't told at home is zero there.
template <typename Predicate>
std::string changes_of(const Attributes& home, const Attributes& now, Predicate is_meant) {
  std::string changes;
  for (const auto& [type, value] : home.all()) {
    if (is_meant(type) && now.find(type) != value) put(changes, type, value);
  }
  for (const auto& [type, value] : now.all()) {
    if (is_meant(type) && !home.find(type)) put(changes, type, std::string(value.size(), '\0'));
  }
  return changes;
}

std::vector<std::string> without_empty(std::vector<std::string> requests) {
  std::erase(requests, "");
  return requests;
}

/// An IP-in-IP tunnel that takes its ends from each packet can't be told so again, and doesn't
/// forget it (net/ipv4/ipip.c, ipip_changelink).
std::string as_a_whole(std::string_view kind, std::string_view home) {
  const bool is_told = kind != "ipip" && kind != "ip6tnl";
  return keep_if(home, [&](int type) { return is_told || type != IFLA_IPTUN_COLLECT_METADATA; });
}

using Priorities = std::map<std::uint32_t, std::uint32_t>;

Priorities priorities_of(const Attributes& options, int type) {
  Priorities found;
  const Attributes list = options.nested(type);
  for (const auto& each : list.all()) {
    const auto mapping = value_of<ifla_vlan_qos_mapping>(each.second);
    found.insert_or_assign(mapping.from, mapping.to);
  }
  return found;
}

/// A mapping to zero is one that isn't there. Several requests, as each has a longest length, and
/// nothing but that limits how many a borrower can make.
std::vector<std::string> changes_of_priorities(int type, const Priorities& home, Priorities now) {
  constexpr std::size_t kMostBytes = 16384;
  Priorities changes;
  for (const auto& [from, to] : home) {
    const auto found = now.find(from);
    if (found == now.end() || found->second != to) changes.emplace(from, to);
  }
  for (const auto& [from, to] : now) {
    if (!home.contains(from)) changes.emplace(from, 0);
  }
  std::vector<std::string> lists;
  for (const auto& [from, to] : changes) {
    if (lists.empty() || lists.back().size() > kMostBytes) lists.emplace_back();
    put(lists.back(), IFLA_VLAN_QOS_MAPPING,
        bytes_from(ifla_vlan_qos_mapping{.from = from, .to = to}));
  }
  std::vector<std::string> requests;
  for (const auto& list : lists) put(requests.emplace_back(), type, list);
  return requests;
}

/// Its number and protocol are the same for ever.
std::vector<std::string> changes_of_vlan(const Attributes& home, const Attributes& now) {
  std::vector<std::string> requests;
  const auto flags_of = [](const Attributes& options) {
    return value_of<ifla_vlan_flags>(options.find(IFLA_VLAN_FLAGS).value_or("")).flags;
  };
  // The kernel tells a mask that it doesn't take (net/8021q/vlan_dev.c, vlan_dev_change_flags).
  const ifla_vlan_flags flags{.flags = flags_of(home), .mask = flags_of(home) ^ flags_of(now)};
  if (flags.mask != 0) put(requests.emplace_back(), IFLA_VLAN_FLAGS, bytes_from(flags));
  for (const int type : {IFLA_VLAN_EGRESS_QOS, IFLA_VLAN_INGRESS_QOS}) {
    auto changes = changes_of_priorities(type, priorities_of(home, type), priorities_of(now, type));
    std::move(changes.begin(), changes.end(), std::back_inserter(requests));
  }
  return requests;
}

/// The kernel tells the addresses of a bucket in the inverse order of their adding.
std::string reversed(const Attributes& list) {
  std::string out;
  for (auto each = list.all().rbegin(); each != list.all().rend(); ++each) {
    put(out, each->first, each->second);
  }
  return out;
}

std::string changes_of_macvlan(const Attributes& home, const Attributes& now) {
  const auto is_plain = [](int type) {
    return type != IFLA_MACVLAN_MACADDR_DATA && type != kMacvlanBroadcastCutoff;
  };
  std::string changes = changes_of(home, now, is_plain);
  constexpr std::int32_t kUsualCutoff = 1;  // Which isn't told.
  const auto cutoff_of = [](const Attributes& options) {
    const auto cutoff = options.find(kMacvlanBroadcastCutoff);
    return cutoff ? value_of<std::int32_t>(*cutoff) : kUsualCutoff;
  };
  if (cutoff_of(home) != cutoff_of(now)) {
    put(changes, kMacvlanBroadcastCutoff, bytes_from(cutoff_of(home)));
  }
  const bool has_sources = home.u32(IFLA_MACVLAN_MODE) == MACVLAN_MODE_SOURCE;
  const auto sources = home.find(IFLA_MACVLAN_MACADDR_DATA).value_or("");
  if (has_sources && sources != now.find(IFLA_MACVLAN_MACADDR_DATA).value_or("")) {
    put(changes, IFLA_MACVLAN_MACADDR_MODE, bytes_from(std::uint32_t{MACVLAN_MACADDR_SET}));
    put(changes, IFLA_MACVLAN_MACADDR_DATA, reversed(Attributes(sources)));
  }
  return changes;
}
}  // namespace

std::string kept_kind_options(std::string_view kind, std::string_view options) {
  return keep_if(options, [&](int type) { return !changes_by_itself(kind, type); });
}

std::string fixed_kind_options(std::string_view kind, std::string_view options) {
  return keep_if(options, [&](int type) { return is_fixed(kind, type); });
}

std::vector<std::string> kind_option_changes(std::string_view kind, std::string_view home,
                                             std::string_view now) {
  if (home == now) return {};
  if (!contains(kChangedSingly, kind)) return {as_a_whole(kind, home)};
  if (kind == "vlan") return changes_of_vlan(Attributes(home), Attributes(now));
  if (kind == "macvlan" || kind == "macvtap") {
    return without_empty({changes_of_macvlan(Attributes(home), Attributes(now))});
  }
  const Attributes was(home);
  const Attributes is(now);
  if (kind == "geneve") {
    // It ignores a TTL beside the word on whether that is inherited (drivers/net/geneve.c).
    const auto is_ttl = [](int type) { return type == IFLA_GENEVE_TTL; };
    return without_empty({changes_of(was, is, is_ttl), changes_of(was, is, std::not_fn(is_ttl))});
  }
  return without_empty({changes_of(was, is, is_any)});
}

}  // namespace netlend
