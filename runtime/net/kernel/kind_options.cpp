#include "net/kernel/kind_options.hpp"

#include <linux/can/netlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

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

template <typename List>
bool contains(const List& list, int type) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

bool changes_by_itself(std::string_view kind, int type) {
  if (kind == "bridge") return contains(kBridge, type);
  if (kind == "bond") return contains(kBond, type);
  if (kind == "can") return contains(kCan, type);
  return kind == "hsr" && contains(kHsr, type);
}

bool is_fixed(std::string_view kind, int type) {
  if (kind == "vxlan") return type == IFLA_VXLAN_ID;
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
}  // namespace

std::string kept_kind_options(std::string_view kind, std::string_view options) {
  return keep_if(options, [&](int type) { return !changes_by_itself(kind, type); });
}

std::string fixed_kind_options(std::string_view kind, std::string_view options) {
  return keep_if(options, [&](int type) { return is_fixed(kind, type); });
}

}  // namespace netlend
