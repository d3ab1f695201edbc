#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// Who made a route or a rule: none of those in rtnetlink(7) or in /etc/iproute2/rt_protos.
inline constexpr std::uint8_t kNetlendProtocol = 110;

/// Where a route stands among those through other devices with the same destination, metric and (in
/// IPv4) TOS, of which the kernel takes the first.
enum class RoutePlace { alone, before, between, behind };

/// One route through a device, in any table.
struct RouteRecord {
  int family = 0;
  int destination_bits = 0;
  int source_bits = 0;
  std::uint8_t tos = 0;
  std::uint32_t table = 0;
  std::uint8_t protocol = 0;
  std::uint8_t scope = 0;
  std::uint8_t type = 0;    // RTN_*
  std::uint32_t flags = 0;  // RTNH_F_ONLINK
  /// RTA_* as sent, without the device, the table and the age.
  RawAttributes attributes;
  /// One next hop of several of an IPv6 route, all of the same weight: a route of its own, which
  /// the kernel has joined with others of its destination and metric. It tells only of the first of
  /// them who made it, and what else isn't of the way itself (net/ipv6/route.c, rt6_fill_node).
  bool is_sibling = false;
  /// It ends by itself (IPv6 router advertisements, addresses with a lifetime), seconds of
  /// CLOCK_MONOTONIC. Not compared: the kernel's figure is a hundredth of a second coarse.
  std::optional<std::int64_t> expires_at_s;
  /// Compared apart from the route itself, and only where place_routes() has looked.
  RoutePlace place = RoutePlace::alone;

  /// Made by the kernel for an address and gone with it: entries of type local, broadcast, anycast
  /// and multicast.
  bool is_kernel_local() const noexcept;
  /// The unicast default route of its table.
  bool is_default() const noexcept;
  bool is_same_as(const RouteRecord& other) const;
  bool operator==(const RouteRecord&) const = default;
};

/// The routes through the device in all tables, in the kernel's order, IPv4 first; without those
/// that the kernel keeps for each address (is_kernel_local).
std::vector<RouteRecord> list_routes(RouteSocket& socket, IfIndex ifindex);
/// Those of one family, and with those of the kernel.
std::vector<RouteRecord> list_all_routes(RouteSocket& socket, IfIndex ifindex, int family);

/// A route and the device that it goes through; of one with several next hops, none.
struct DeviceRoute {
  IfIndex device;
  RouteRecord route;
  bool operator==(const DeviceRoute&) const = default;
};

/// Of an answer to RTM_GETROUTE.
DeviceRoute parse_device_route(const Reply& reply);
std::vector<DeviceRoute> parse_device_routes(const std::vector<Reply>& replies);

/// The unicast routes of a family whose source is one of these addresses (raw bytes), through any
/// device. The kernel can't look for them: it sends all routes of this machine.
std::vector<DeviceRoute> list_routes_from(RouteSocket& socket,
                                          const std::vector<std::string>& sources,
                                          int family = AF_INET);

/// The devices by which this machine's unicast routes of a family go, in any table and by any next
/// hop; without netlend's own, and those of IPv6 to the link itself, which every device has.
std::set<IfIndex> list_route_devices(RouteSocket& socket, int family);

/// The nexthop objects that use the device and the groups that have one of these, as ip(8) would
/// print them: "5 via 10.0.0.1", "7 group 5/6".
std::vector<std::string> list_nexthops(RouteSocket& socket, IfIndex ifindex);

/// As ip(8) would print it: "default via 10.0.0.1 proto static metric 100 table 200".
std::string describe(const RouteRecord& route);

/// The devices of the IPv6 default routes that routers have announced.
std::set<IfIndex> list_announced_ways_out(RouteSocket& socket);

/// The default routes of the main table.
std::vector<RouteRecord> list_default_routes(RouteSocket& socket, int family);
/// The metric is that of a route that names none: add_only_route() adds no other beside it.
bool has_usual_metric(const RouteRecord& route);

Message add_route(IfIndex ifindex, const RouteRecord& route, std::string doing);
/// Takes the place of the route with the same destination and metric; ENOENT where there is none.
Message replace_route(IfIndex ifindex, const RouteRecord& route, std::string doing);
/// As add_route(), but before those of its destination and metric, in IPv4; IPv6 has no such thing.
Message add_route_before(IfIndex ifindex, const RouteRecord& route, std::string doing);
/// As add_route(), but EEXIST where there is one with the same destination and metric.
Message add_only_route(IfIndex ifindex, const RouteRecord& route, std::string doing);
Message remove_route(IfIndex ifindex, const RouteRecord& route, std::string doing);

/// Why such a route can't be given again; nothing: it can.
std::optional<std::string> why_not_writable(const RouteRecord& route);

/// The route that lets `route`'s gateway be used where no prefix of the device covers it any more;
/// nothing where it has none. It is taken away again once `route` is in.
std::optional<RouteRecord> gateway_helper(const RouteRecord& route);

/// A route as a plan asks for it, in the main table.
RouteRecord make_route(const IpPrefix& destination, const std::optional<IpAddress>& via,
                       bool onlink);

}  // namespace netlend
