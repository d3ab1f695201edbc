#include "net/kernel/kind_options.hpp"

#include <fmt/core.h>
#include <linux/can/netlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "net/kernel/message.hpp"

namespace netlend {

namespace {
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

template <typename List>
bool contains(const List& list, int type) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

bool changes_by_itself(std::string_view kind, int type) {
  if (kind == "bridge") return contains(kBridge, type);
  if (kind == "bond") return contains(kBond, type);
  if (kind == "can") return contains(kCan, type);
  if (kind == "macvlan") return contains(kMacvlan, type);
  return kind == "hsr" && contains(kHsr, type);
}

bool is_fixed(std::string_view kind, int type) {
  if (kind == "vxlan") return type == IFLA_VXLAN_ID;
  // Whoever opens a tap can give it another owner and other headers, but not these two
  // (drivers/net/tun.c, tun_set_iff).
  if (kind == "tun") return type == IFLA_TUN_TYPE || type == IFLA_TUN_MULTI_QUEUE;
  return kind == "vlan" && type == IFLA_VLAN_ID;
}

struct NamedOption {
  std::string_view kind;
  int type;
  const char* name;
};
// Those that people give, in the words of ip(8).
constexpr std::array<NamedOption, 12> kNamed{{{"tun", IFLA_TUN_OWNER, "user"},
                                              {"tun", IFLA_TUN_GROUP, "group"},
                                              {"tun", IFLA_TUN_TYPE, "mode"},
                                              {"tun", IFLA_TUN_PI, "pi"},
                                              {"tun", IFLA_TUN_VNET_HDR, "vnet_hdr"},
                                              {"tun", IFLA_TUN_PERSIST, "persist"},
                                              {"tun", IFLA_TUN_MULTI_QUEUE, "multi_queue"},
                                              {"vxlan", IFLA_VXLAN_ID, "id"},
                                              {"vxlan", IFLA_VXLAN_TTL, "ttl"},
                                              {"vlan", IFLA_VLAN_ID, "id"},
                                              {"macvlan", IFLA_MACVLAN_MODE, "mode"},
                                              {"ipvlan", IFLA_IPVLAN_MODE, "mode"}}};

std::string option_name(std::string_view kind, int type) {
  for (const auto& option : kNamed) {
    if (option.kind == kind && option.type == type) return option.name;
  }
  return fmt::format("option {}", type);
}

std::string option_value(std::optional<std::string_view> bytes) {
  if (!bytes) return "none";
  std::uint32_t value = 0;
  if (bytes->size() > sizeof value) return to_hex(*bytes);
  std::memcpy(&value, bytes->data(), bytes->size());
  return std::to_string(value);
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
}  // namespace

std::string kept_kind_options(std::string_view kind, std::string_view options) {
  return keep_if(options, [&](int type) { return !changes_by_itself(kind, type); });
}

std::string fixed_kind_options(std::string_view kind, std::string_view options) {
  return keep_if(options, [&](int type) { return is_fixed(kind, type); });
}

std::vector<std::string> kind_option_differences(std::string_view kind, std::string_view home,
                                                 std::string_view now) {
  const Attributes was(home);
  const Attributes is(now);
  std::set<std::uint16_t> types;
  for (const auto& [type, bytes] : was.all()) types.insert(type);
  for (const auto& [type, bytes] : is.all()) types.insert(type);
  std::vector<std::string> found;
  for (const auto type : types) {
    if (was.find(type) == is.find(type)) continue;
    found.push_back(fmt::format("{} ({}) is {}, was {} at home", option_name(kind, type), kind,
                                option_value(is.find(type)), option_value(was.find(type))));
  }
  return found;
}

}  // namespace netlend
