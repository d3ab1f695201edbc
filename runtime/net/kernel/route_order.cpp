#include "net/kernel/route_order.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

namespace netlend {

namespace {
/// What the kernel tells routes of one table apart by before it looks at their devices.
struct Rank {
  int destination_bits = 0;
  int source_bits = 0;
  std::uint8_t tos = 0;
  std::string destination;
  std::string source;
  std::string metric;
  auto operator<=>(const Rank&) const = default;
};

std::string bytes_or(std::optional<std::string_view> bytes, std::string otherwise) {
  return bytes ? std::string(*bytes) : std::move(otherwise);
}

std::optional<std::string_view> attribute(const RouteRecord& route, std::uint16_t type) {
  const auto found = route.attributes.find(type);
  if (found == route.attributes.end()) return std::nullopt;
  return found->second;
}

/// `find`: from an RTA_* to its bytes. The kernel leaves a metric of 0 out.
template <typename Find>
Rank make_rank(int destination_bits, int source_bits, std::uint8_t tos, Find find) {
  return {.destination_bits = destination_bits,
          .source_bits = source_bits,
          .tos = tos,
          .destination = bytes_or(find(RTA_DST), ""),
          .source = bytes_or(find(RTA_SRC), ""),
          .metric = bytes_or(find(RTA_PRIORITY), std::string(sizeof(std::uint32_t), '\0'))};
}

Rank rank_of(const RouteRecord& route) {
  return make_rank(route.destination_bits, route.source_bits, route.tos,
                   [&](std::uint16_t type) { return attribute(route, type); });
}

bool has_order(const RouteRecord& route) {
  const auto destination = attribute(route, RTA_DST);
  return !destination || !IpAddress::from_bytes(*destination).is_link_local() ||
         route.family != AF_INET6;
}

/// All routes of a table that rank as one of `ranks`, in the order in which the kernel looks.
std::vector<DeviceRoute> list_ranked(RouteSocket& socket, int family, std::uint32_t table,
                                     const std::set<Rank>& ranks) {
  Message message(RTM_GETROUTE, 0, fmt::format("list the routes of table {}", table));
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  message.header(header).put_u32(RTA_TABLE, table);
  const auto replies = socket.dump(message, [&](const Reply& reply) {
    const auto route = reply.header<rtmsg>();
    const Attributes attributes = reply.attributes(sizeof route);
    const Rank rank = make_rank(route.rtm_dst_len, route.rtm_src_len, route.rtm_tos,
                                [&](std::uint16_t type) { return attributes.find(type); });
    return RouteSocket::take_if(ranks.contains(rank));
  });
  return parse_device_routes(replies);
}

using IsOther = std::function<bool(const DeviceRoute&)>;

/// `equals`: all that rank as the route does.
RoutePlace place_among(const std::vector<const DeviceRoute*>& equals, const DeviceRoute& route,
                       const IsOther& is_other) {
  bool is_passed = false;
  bool any_before = false;
  bool any_behind = false;
  for (const DeviceRoute* each : equals) {
    if (each->device == route.device && each->route.is_same_as(route.route)) {
      is_passed = true;
    } else if (is_other(*each)) {
      (is_passed ? any_behind : any_before) = true;
    }
  }
  // Gone since it was listed.
  if (!is_passed || (!any_before && !any_behind)) return RoutePlace::alone;
  if (any_before && any_behind) return RoutePlace::between;
  return any_before ? RoutePlace::behind : RoutePlace::before;
}

void place(RouteSocket& socket, std::vector<DeviceRoute>& routes, const IsOther& is_other) {
  std::map<std::pair<int, std::uint32_t>, std::set<Rank>> tables;
  for (const auto& [device, route] : routes) {
    if (has_order(route)) tables[{route.family, route.table}].insert(rank_of(route));
  }
  for (const auto& [table, ranks] : tables) {
    const auto all = list_ranked(socket, table.first, table.second, ranks);
    std::map<Rank, std::vector<const DeviceRoute*>> equals;
    for (const auto& each : all) equals[rank_of(each.route)].push_back(&each);
    for (auto& each : routes) {
      RouteRecord& route = each.route;
      if (std::pair(route.family, route.table) != table || !has_order(route)) continue;
      route.place = place_among(equals[rank_of(route)], each, is_other);
    }
  }
}
}  // namespace

void place_routes(RouteSocket& socket, IfIndex ifindex, std::vector<RouteRecord>& routes) {
  std::vector<DeviceRoute> placed;
  placed.reserve(routes.size());
  for (const auto& route : routes) placed.push_back({ifindex, route});
  place(socket, placed, [&](const DeviceRoute& each) { return each.device != ifindex; });
  for (std::size_t i = 0; i < routes.size(); ++i) routes.at(i).place = placed.at(i).route.place;
}

void place_routes(RouteSocket& socket, std::vector<DeviceRoute>& routes) {
  const std::vector<DeviceRoute> unplaced = routes;
  place(socket, routes, [&](const DeviceRoute& each) {
    return std::none_of(unplaced.begin(), unplaced.end(), [&](const auto& own) {
      return own.device == each.device && own.route.is_same_as(each.route);
    });
  });
}

namespace {
using Equals = std::tuple<int, std::uint32_t, Rank>;

Equals equals_of(const RouteRecord& route) { return {route.family, route.table, rank_of(route)}; }

RoutePlace opposite(RoutePlace place) {
  if (place == RoutePlace::before) return RoutePlace::behind;
  return place == RoutePlace::behind ? RoutePlace::before : place;
}

RoutePlace both(RoutePlace one, RoutePlace other) {
  if (one == RoutePlace::alone || one == other) return other;
  return other == RoutePlace::alone ? one : RoutePlace::between;
}
}  // namespace

void place_beside(const std::vector<RouteRecord>& away, const std::vector<RouteRecord*>& routes) {
  std::map<Equals, RoutePlace> places;
  for (const auto& route : away) {
    if (route.place == RoutePlace::alone) continue;
    const auto [known, is_new] = places.emplace(equals_of(route), opposite(route.place));
    if (!is_new) known->second = both(known->second, opposite(route.place));
  }
  if (places.empty()) return;
  for (RouteRecord* route : routes) {
    const auto found = places.find(equals_of(*route));
    if (found != places.end()) route->place = both(route->place, found->second);
  }
}

std::optional<std::string> why_not_placeable(const RouteRecord& route) {
  if (route.place == RoutePlace::between) {
    return "it stands between equal routes of other devices, and is put before or behind all of "
           "them only";
  }
  if (route.place == RoutePlace::before && route.family == AF_INET6) {
    return "it stands before equal routes of other devices, and IPv6 puts it behind them only";
  }
  return std::nullopt;
}

}  // namespace netlend
