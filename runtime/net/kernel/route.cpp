#include "net/kernel/route.hpp"

#include <fmt/format.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <tuple>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "net/kernel/address.hpp"

namespace netlend {

namespace {
constexpr std::int64_t kMsPerSecond = 1000;
constexpr int kUserTicksPerSecond = 100;  // USER_HZ
// IP6_RT_PRIO_USER, include/net/ip6_route.h: what the kernel stores for a route without a metric.
constexpr std::uint32_t kIpv6DefaultMetric = 1024;

bool is_ours_to_keep(std::uint16_t type) {
  return type != RTA_OIF && type != RTA_TABLE && type != RTA_CACHEINFO && type != RTA_EXPIRES &&
         type != RTA_MFC_STATS;
}

RouteRecord parse_route(const Reply& reply) {
  const auto header = reply.header<rtmsg>();
  const Attributes attributes = reply.attributes(sizeof header);
  RouteRecord record;
  record.family = header.rtm_family;
  record.destination_bits = header.rtm_dst_len;
  record.source_bits = header.rtm_src_len;
  record.tos = header.rtm_tos;
  record.table = attributes.u32(RTA_TABLE).value_or(header.rtm_table);
  record.protocol = header.rtm_protocol;
  record.scope = header.rtm_scope;
  record.type = header.rtm_type;
  // RTNH_F_LINKDOWN, RTNH_F_DEAD and the offload flags are the kernel's report.
  record.flags = header.rtm_flags & RTNH_F_ONLINK;
  for (const auto& [type, bytes] : attributes.all()) {
    if (is_ours_to_keep(type)) record.attributes.emplace(type, bytes);
  }
  const auto cache = attributes.find(RTA_CACHEINFO);
  if (cache && cache->size() >= sizeof(rta_cacheinfo)) {
    rta_cacheinfo info;
    std::memcpy(&info, cache->data(), sizeof info);
    if (info.rta_expires != 0) {
      record.expires_at_s = monotonic_ms() / kMsPerSecond + info.rta_expires / kUserTicksPerSecond;
    }
  }
  return record;
}

/// Where a route leads, and how: what the kernel tells of each next hop.
RawAttributes way_of(const RouteRecord& route) {
  RawAttributes way;
  for (const std::uint16_t type :
       {RTA_DST, RTA_SRC, RTA_PRIORITY, RTA_GATEWAY, RTA_VIA, RTA_ENCAP_TYPE, RTA_ENCAP}) {
    const auto found = route.attributes.find(type);
    if (found != route.attributes.end()) way.insert(*found);
  }
  return way;
}

struct NextHop {
  rtnexthop header{};
  Attributes attributes;
};

std::vector<NextHop> next_hops_of(std::string_view bytes) {
  std::vector<NextHop> hops;
  rtnexthop header{};
  while (bytes.size() >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::size_t size_bytes = RTNH_ALIGN(header.rtnh_len);
    if (header.rtnh_len < sizeof header || size_bytes > bytes.size()) break;
    hops.push_back(
        {header, Attributes(bytes.substr(sizeof header, header.rtnh_len - sizeof header))});
    bytes.remove_prefix(size_bytes);
  }
  return hops;
}

/// A route of IPv6 with several next hops is as many routes, of which those through the device are
/// its own. They can be added one by one only if their weights are the usual one.
std::vector<RouteRecord> split_by_next_hop(RouteRecord route, IfIndex ifindex) {
  const auto found = route.attributes.find(RTA_MULTIPATH);
  if (route.family != AF_INET6 || found == route.attributes.end() ||
      route.attributes.contains(RTA_NH_ID)) {
    return {std::move(route)};
  }
  std::vector<RouteRecord> own;
  for (const auto& hop : next_hops_of(found->second)) {
    if (hop.header.rtnh_ifindex != ifindex.value) continue;
    if (hop.header.rtnh_hops != 0) return {std::move(route)};
    RouteRecord& sibling = own.emplace_back(route);
    sibling.is_sibling = true;
    sibling.flags = hop.header.rtnh_flags & RTNH_F_ONLINK;
    sibling.attributes.erase(RTA_MULTIPATH);
    for (const auto& [type, bytes] : hop.attributes.all()) sibling.attributes.emplace(type, bytes);
  }
  return own;
}

bool goes_through(const Reply& reply, IfIndex ifindex) {
  const Attributes attributes = reply.attributes(sizeof(rtmsg));
  if (const auto device = attributes.u32(RTA_OIF)) {
    return *device == static_cast<std::uint32_t>(ifindex.value);
  }
  // A multipath route or one with a nexthop object: the kernel's filter has looked inside.
  return attributes.find(RTA_MULTIPATH).has_value() || attributes.find(RTA_NH_ID).has_value();
}

Message route_message(std::uint16_t type, std::uint16_t flags, const RouteRecord& route,
                      std::string doing) {
  Message message(type, flags, std::move(doing));
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(route.family);
  header.rtm_dst_len = static_cast<std::uint8_t>(route.destination_bits);
  header.rtm_src_len = static_cast<std::uint8_t>(route.source_bits);
  header.rtm_tos = route.tos;
  header.rtm_protocol = route.protocol;
  header.rtm_scope = route.scope;
  header.rtm_type = route.type;
  header.rtm_flags = route.flags;
  message.header(header);
  return message;
}

void put_route(Message& message, IfIndex ifindex, const RouteRecord& route) {
  message.put_u32(RTA_TABLE, route.table);
  message.put_u32(RTA_OIF, static_cast<std::uint32_t>(ifindex.value));
  for (const auto& [type, bytes] : route.attributes) message.put(type, bytes);
}
}  // namespace

bool RouteRecord::is_kernel_local() const noexcept {
  const bool kernel_type =
      type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_ANYCAST || type == RTN_MULTICAST;
  return protocol == RTPROT_KERNEL && table == RT_TABLE_LOCAL && kernel_type;
}

bool RouteRecord::is_default() const noexcept {
  return destination_bits == 0 && type == RTN_UNICAST;
}

bool RouteRecord::is_same_as(const RouteRecord& other) const {
  if (is_sibling || other.is_sibling) {
    const auto way = [](const RouteRecord& route) {
      return std::tuple(route.family, route.destination_bits, route.source_bits, route.table,
                        route.type, route.flags, way_of(route));
    };
    return way(*this) == way(other);
  }
  // Without copies: thousands of routes are each compared with thousands.
  const auto compared = [](const RouteRecord& route) {
    return std::tie(route.family, route.destination_bits, route.source_bits, route.tos, route.table,
                    route.protocol, route.scope, route.type, route.flags, route.attributes);
  };
  return compared(*this) == compared(other);
}

std::vector<RouteRecord> list_routes(RouteSocket& socket, IfIndex ifindex) {
  std::vector<RouteRecord> records;
  for (const int family : {AF_INET, AF_INET6}) {
    for (auto& record : list_all_routes(socket, ifindex, family)) {
      if (!record.is_kernel_local()) records.push_back(std::move(record));
    }
  }
  return records;
}

std::vector<RouteRecord> list_all_routes(RouteSocket& socket, IfIndex ifindex, int family) {
  Message message(RTM_GETROUTE, 0, fmt::format("list the routes of device {}", ifindex.value));
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  message.header(header);
  message.put_u32(RTA_OIF, static_cast<std::uint32_t>(ifindex.value));
  std::vector<Reply> replies;
  try {
    replies = socket.dump(message);
  } catch (const Error& error) {
    if (!is_no_ipv6(error, family)) throw;
  }
  std::vector<RouteRecord> records;
  for (const auto& reply : replies) {
    if (reply.type() != RTM_NEWROUTE || !goes_through(reply, ifindex)) continue;
    for (auto& record : split_by_next_hop(parse_route(reply), ifindex)) {
      records.push_back(std::move(record));
    }
  }
  return records;
}

DeviceRoute parse_device_route(const Reply& reply) {
  const auto device = reply.attributes(sizeof(rtmsg)).u32(RTA_OIF).value_or(0);
  return {IfIndex{static_cast<int>(device)}, parse_route(reply)};
}

std::vector<DeviceRoute> parse_device_routes(const std::vector<Reply>& replies) {
  std::vector<DeviceRoute> routes;
  routes.reserve(replies.size());
  for (const auto& reply : replies) routes.push_back(parse_device_route(reply));
  return routes;
}

std::vector<DeviceRoute> list_routes_from(RouteSocket& socket,
                                          const std::vector<std::string>& sources, int family) {
  Message message(RTM_GETROUTE, 0, "list the routes from the device's addresses");
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  header.rtm_type = RTN_UNICAST;
  message.header(header);
  const auto replies = socket.dump(message, [&](const Reply& reply) {
    const auto source = reply.attributes(sizeof header).find(RTA_PREFSRC);
    return RouteSocket::take_if(source && std::find(sources.begin(), sources.end(), *source) !=
                                              sources.end());
  });
  return parse_device_routes(replies);
}

namespace {
/// Of NHA_GROUP, an array of nexthop_grp.
std::vector<std::uint32_t> members_of(std::string_view group) {
  std::vector<std::uint32_t> members;
  for (; group.size() >= sizeof(nexthop_grp); group.remove_prefix(sizeof(nexthop_grp))) {
    nexthop_grp member{};
    std::memcpy(&member, group.data(), sizeof member);
    members.push_back(member.id);
  }
  return members;
}

/// The groups that one of the objects is in, "7 group 5/6".
std::vector<std::string> list_nexthop_groups(RouteSocket& socket,
                                             const std::set<std::uint32_t>& objects) {
  Message message(RTM_GETNEXTHOP, 0, "list the groups of nexthop objects");
  message.header(nhmsg{}).put(NHA_GROUPS, "");
  std::vector<std::string> groups;
  for (const auto& reply : socket.dump(message)) {
    const Attributes attributes = reply.attributes(sizeof(nhmsg));
    const auto members = members_of(attributes.find(NHA_GROUP).value_or(""));
    if (std::none_of(members.begin(), members.end(),
                     [&](std::uint32_t member) { return objects.contains(member); })) {
      continue;
    }
    groups.push_back(
        fmt::format("{} group {}", attributes.u32(NHA_ID).value_or(0), fmt::join(members, "/")));
  }
  return groups;
}

/// The devices that a route leads to.
void add_devices(const Attributes& route, std::set<IfIndex>& devices) {
  const auto device = route.u32(RTA_OIF);
  if (device) devices.insert(IfIndex{static_cast<int>(*device)});
  for (const auto& hop : next_hops_of(route.find(RTA_MULTIPATH).value_or(""))) {
    devices.insert(IfIndex{hop.header.rtnh_ifindex});
  }
}

}  // namespace

std::set<IfIndex> list_route_devices(RouteSocket& socket, int family) {
  Message message(RTM_GETROUTE, 0, "list the devices of the routes");
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  header.rtm_type = RTN_UNICAST;
  message.header(header);
  std::set<IfIndex> devices;
  // There can be very many, of few devices.
  socket.dump(message, [&](const Reply& reply) {
    const auto route = reply.header<rtmsg>();
    const Attributes attributes = reply.attributes(sizeof route);
    const auto to = attributes.find(RTA_DST);
    if (route.rtm_type == RTN_UNICAST && route.rtm_protocol != kNetlendProtocol &&
        !(to && IpAddress::from_bytes(*to).is_link_local())) {
      add_devices(attributes, devices);
    }
    return RouteSocket::Take::no;
  });
  return devices;
}

std::set<IfIndex> list_announced_ways_out(RouteSocket& socket) {
  Message message(RTM_GETROUTE, 0, "list the routes that routers have announced");
  rtmsg header{};
  header.rtm_family = AF_INET6;
  header.rtm_protocol = RTPROT_RA;
  message.header(header);
  std::set<IfIndex> devices;
  socket.dump(message, [&](const Reply& reply) {
    const auto route = reply.header<rtmsg>();
    const Attributes attributes = reply.attributes(sizeof route);
    if (route.rtm_protocol != RTPROT_RA || route.rtm_dst_len != 0) return RouteSocket::Take::no;
    add_devices(attributes, devices);
    return RouteSocket::Take::no;
  });
  return devices;
}

std::vector<std::string> list_nexthops(RouteSocket& socket, IfIndex ifindex) {
  Message message(RTM_GETNEXTHOP, 0,
                  fmt::format("list the nexthop objects of device {}", ifindex.value));
  message.header(nhmsg{}).put_u32(NHA_OIF, static_cast<std::uint32_t>(ifindex.value));
  std::vector<std::string> nexthops;
  std::set<std::uint32_t> objects;
  for (const auto& reply : socket.dump(message)) {
    const Attributes attributes = reply.attributes(sizeof(nhmsg));
    const auto gateway = attributes.find(NHA_GATEWAY);
    const auto id = attributes.u32(NHA_ID).value_or(0);
    objects.insert(id);
    nexthops.push_back(fmt::format(
        "{}{}", id, gateway ? " via " + IpAddress::from_bytes(*gateway).str() : std::string{}));
  }
  if (objects.empty()) return nexthops;
  const auto groups = list_nexthop_groups(socket, objects);
  nexthops.insert(nexthops.end(), groups.begin(), groups.end());
  return nexthops;
}

std::vector<RouteRecord> list_default_routes(RouteSocket& socket, int family) {
  Message message(RTM_GETROUTE, 0, "look for a default route");
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  header.rtm_type = RTN_UNICAST;
  message.header(header).put_u32(RTA_TABLE, RT_TABLE_MAIN);
  std::vector<RouteRecord> routes;
  try {
    for (const auto& reply : socket.dump(message)) {
      auto route = parse_route(reply);
      if (route.is_default()) routes.push_back(std::move(route));
    }
  } catch (const Error& error) {
    if (error.errno_value() != EOPNOTSUPP && error.errno_value() != ENOENT) throw;
  }
  return routes;
}

bool has_usual_metric(const RouteRecord& route) {
  const auto bytes = route.attributes.find(RTA_PRIORITY);
  std::uint32_t metric = 0;
  if (bytes != route.attributes.end() && bytes->second.size() == sizeof metric) {
    std::memcpy(&metric, bytes->second.data(), sizeof metric);
  }
  return metric == (route.family == AF_INET6 ? kIpv6DefaultMetric : 0);
}

namespace {
Message new_route(std::uint16_t flags, IfIndex ifindex, const RouteRecord& route,
                  std::string doing) {
  const auto all_flags = static_cast<std::uint16_t>(NLM_F_CREATE | flags);
  Message message = route_message(RTM_NEWROUTE, all_flags, route, std::move(doing));
  put_route(message, ifindex, route);
  if (route.expires_at_s) {
    const std::int64_t left = *route.expires_at_s - monotonic_ms() / kMsPerSecond;
    message.put_u32(RTA_EXPIRES, left < 1 ? 1 : static_cast<std::uint32_t>(left));
  }
  return message;
}
}  // namespace

Message add_route(IfIndex ifindex, const RouteRecord& route, std::string doing) {
  // Appended, not replaced: IPv6 would join routes of one destination into a multipath route, and
  // IPv4 keeps the order of equal ones.
  return new_route(NLM_F_APPEND, ifindex, route, std::move(doing));
}

Message replace_route(IfIndex ifindex, const RouteRecord& route, std::string doing) {
  // new_route() would make one that is gone: whoever took it away meant it.
  Message message = route_message(RTM_NEWROUTE, NLM_F_REPLACE, route, std::move(doing));
  put_route(message, ifindex, route);
  return message;
}

Message add_route_before(IfIndex ifindex, const RouteRecord& route, std::string doing) {
  return new_route(0, ifindex, route, std::move(doing));
}

Message add_only_route(IfIndex ifindex, const RouteRecord& route, std::string doing) {
  return new_route(NLM_F_EXCL, ifindex, route, std::move(doing));
}

Message remove_route(IfIndex ifindex, const RouteRecord& route, std::string doing) {
  RouteRecord removed = route;
  if (route.is_sibling) removed.protocol = RTPROT_UNSPEC;  // Whoever made it.
  Message message = route_message(RTM_DELROUTE, 0, removed, std::move(doing));
  put_route(message, ifindex, removed);
  return message;
}

std::optional<std::string> why_not_writable(const RouteRecord& route) {
  if (route.attributes.contains(RTA_MULTIPATH)) return "has several next hops";
  if (route.attributes.contains(RTA_NH_ID)) return "uses a nexthop object";
  return std::nullopt;
}

std::optional<RouteRecord> gateway_helper(const RouteRecord& route) {
  const auto gateway = route.attributes.find(RTA_GATEWAY);
  if (gateway == route.attributes.end()) return std::nullopt;
  const IpAddress address = IpAddress::from_bytes(gateway->second);
  RouteRecord helper = make_route({address, address.bits()}, std::nullopt, false);
  helper.table = route.table;
  return helper;
}

RouteRecord make_route(const IpPrefix& destination, const std::optional<IpAddress>& via,
                       bool onlink) {
  RouteRecord record;
  record.family = destination.family();
  record.destination_bits = destination.length_bits();
  record.table = RT_TABLE_MAIN;
  record.protocol = RTPROT_STATIC;
  record.type = RTN_UNICAST;
  record.scope = destination.family() == AF_INET && !via ? std::uint8_t{RT_SCOPE_LINK}
                                                         : std::uint8_t{RT_SCOPE_UNIVERSE};
  record.flags = onlink ? RTNH_F_ONLINK : 0;
  if (destination.length_bits() != 0) {
    record.attributes.emplace(RTA_DST, std::string(destination.address().bytes()));
  }
  if (via) record.attributes.emplace(RTA_GATEWAY, std::string(via->bytes()));
  return record;
}

}  // namespace netlend
