#include <fmt/core.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/route.h>
#include <netlink/route/rtnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "net/kernel/route.hpp"

namespace netlend {

namespace {
std::string via_text(const RouteRecord& route) {
  const std::string gateway = address_text(route.attributes, RTA_GATEWAY);
  if (!gateway.empty()) return fmt::format(" via {}", gateway);
  const auto via = route.attributes.find(RTA_VIA);
  constexpr std::size_t kFamilyBytes = 2;
  if (via == route.attributes.end() || via->second.size() <= kFamilyBytes) return "";
  return fmt::format(" via {}", IpAddress::from_bytes(via->second.substr(kFamilyBytes)).str());
}

std::string number_text(const RouteRecord& route, std::uint16_t type, std::string_view name) {
  const auto found = route.attributes.find(type);
  if (found == route.attributes.end() || found->second.size() != sizeof(std::uint32_t)) return "";
  std::uint32_t value = 0;
  std::memcpy(&value, found->second.data(), sizeof value);
  return fmt::format(" {} {}", name, value);
}

std::uint32_t number_of(std::string_view bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

/// "mtu 1300 advmss 1200", in the words of ip-route(8).
std::string metrics_text(std::string_view bytes) {
  struct Metric {
    std::uint16_t type;
    const char* name;
  };
  constexpr std::array kMetrics{
      Metric{RTAX_MTU, "mtu"},
      Metric{RTAX_WINDOW, "window"},
      Metric{RTAX_RTT, "rtt"},
      Metric{RTAX_RTTVAR, "rttvar"},
      Metric{RTAX_SSTHRESH, "ssthresh"},
      Metric{RTAX_CWND, "cwnd"},
      Metric{RTAX_ADVMSS, "advmss"},
      Metric{RTAX_REORDERING, "reordering"},
      Metric{RTAX_HOPLIMIT, "hoplimit"},
      Metric{RTAX_INITCWND, "initcwnd"},
      Metric{RTAX_FEATURES, "features"},
      Metric{RTAX_RTO_MIN, "rto_min"},
      Metric{RTAX_INITRWND, "initrwnd"},
      Metric{RTAX_QUICKACK, "quickack"},
      Metric{RTAX_FASTOPEN_NO_COOKIE, "fastopen_no_cookie"},
  };
  std::string out;
  std::uint32_t locked = 0;
  const Attributes metrics{bytes};
  if (const auto lock = metrics.u32(RTAX_LOCK)) locked = *lock;
  for (const auto& [type, value] : metrics.all()) {
    if (type == RTAX_LOCK) continue;
    if (type == RTAX_CC_ALGO) {
      out += fmt::format(" congctl {}", value.substr(0, value.find('\0')));
      continue;
    }
    const auto* metric =
        std::find_if(kMetrics.begin(), kMetrics.end(),
                     [type = type](const auto& each) { return each.type == type; });
    out += metric == kMetrics.end() ? fmt::format(" metric_{}", type)
                                    : " " + std::string(metric->name);
    out += fmt::format("{} {}", type < 32 && (locked >> type & 1U) != 0 ? " lock" : "",
                       number_of(value));
  }
  return out;
}

/// " nexthop via 10.0.0.1 dev 4 weight 1" for each.
std::string nexthops_text(std::string_view bytes) {
  std::string out;
  while (bytes.size() >= sizeof(rtnexthop)) {
    rtnexthop hop;
    std::memcpy(&hop, bytes.data(), sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > bytes.size()) break;
    const Attributes attributes{bytes.substr(sizeof hop, hop.rtnh_len - sizeof hop)};
    const auto gateway = attributes.find(RTA_GATEWAY);
    out += " nexthop";
    if (gateway) out += " via " + IpAddress::from_bytes(*gateway).str();
    out += fmt::format(" dev {} weight {}", hop.rtnh_ifindex, hop.rtnh_hops + 1);
    bytes.remove_prefix(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), bytes.size()));
  }
  return out;
}

std::string attribute_text(std::uint16_t type, const std::string& bytes) {
  constexpr std::array kPreferences{"medium", "high", "invalid", "low"};
  switch (type) {
    case RTA_METRICS:
      return metrics_text(bytes);
    case RTA_MULTIPATH:
      return nexthops_text(bytes);
    case RTA_NH_ID:
      return fmt::format(" nhid {}", number_of(bytes));
    case RTA_FLOW:
      return fmt::format(" realm {}", number_of(bytes));
    case RTA_PREF:
      return fmt::format(" pref {}", kPreferences.at(number_of(bytes) & 3U));
    default:
      // It must still be seen when two snapshots differ in it.
      return fmt::format(" attribute {}={}", type, to_hex(bytes));
  }
}

std::string other_attributes_text(const RouteRecord& route) {
  constexpr std::array<std::uint16_t, 6> kTold{RTA_DST,     RTA_GATEWAY,  RTA_VIA,
                                               RTA_PREFSRC, RTA_PRIORITY, RTA_SRC};
  std::string out;
  for (const auto& [type, bytes] : route.attributes) {
    if (std::find(kTold.begin(), kTold.end(), type) != kTold.end()) continue;
    if (type == RTA_PREF && bytes == std::string(1, '\0')) continue;
    out += attribute_text(type, bytes);
  }
  return out;
}
}  // namespace

std::string describe(const RouteRecord& route) {
  std::array<char, 32> text{};
  std::string out;
  if (route.type != RTN_UNICAST) {
    out += fmt::format("{} ", ::nl_rtntype2str(route.type, text.data(), text.size()));
  }
  const std::string destination = address_text(route.attributes, RTA_DST);
  out += destination.empty() ? (route.family == AF_INET ? "default" : "default(6)")
                             : fmt::format("{}/{}", destination, route.destination_bits);
  if (route.source_bits != 0) {
    out += fmt::format(" from {}/{}", address_text(route.attributes, RTA_SRC), route.source_bits);
  }
  out += via_text(route);
  const std::string source = address_text(route.attributes, RTA_PREFSRC);
  if (!source.empty()) out += fmt::format(" src {}", source);
  out += fmt::format(" proto {}", ::rtnl_route_proto2str(route.protocol, text.data(), text.size()));
  out += fmt::format(" scope {}", ::rtnl_scope2str(route.scope, text.data(), text.size()));
  out += number_text(route, RTA_PRIORITY, "metric");
  if (route.tos != 0) out += fmt::format(" tos {:#x}", route.tos);
  if ((route.flags & RTNH_F_ONLINK) != 0) out += " onlink";
  if (route.table != RT_TABLE_MAIN) out += fmt::format(" table {}", route.table);
  return out + other_attributes_text(route);
}

}  // namespace netlend
