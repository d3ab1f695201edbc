#include "net/l3/source_routes.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "net/kernel/route_order.hpp"
#include "net/l3/mode.hpp"

namespace netlend {

namespace {
const DeviceRoute* find_place(const std::vector<DeviceRoute>& all, const DeviceRoute& wanted) {
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const DeviceRoute& each) { return is_same_place(each, wanted); });
  return found == all.end() ? nullptr : &*found;
}

/// What is in the place of that route now.
std::vector<RouteRecord> list_now(const AddressScene& scene, const DeviceRoute& wanted) {
  Message message(RTM_GETROUTE, 0, "look for a route");
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(wanted.route.family);
  header.rtm_type = RTN_UNICAST;
  message.header(header);
  const auto replies = scene.home.socket.dump(message, [&](const Reply& reply) {
    return RouteSocket::take_if(reply.header<rtmsg>().rtm_dst_len ==
                                    wanted.route.destination_bits &&
                                is_same_place(parse_device_route(reply), wanted));
  });
  std::vector<RouteRecord> routes;
  routes.reserve(replies.size());
  for (const auto& reply : replies) routes.push_back(parse_device_route(reply).route);
  return routes;
}

std::optional<RouteRecord> find_now(const AddressScene& scene, const DeviceRoute& wanted) {
  const auto now = list_now(scene, wanted);
  return now.empty() ? std::nullopt : std::optional(now.front());
}

bool differ_in_source_only(RouteRecord left, RouteRecord right) {
  left.attributes.erase(RTA_PREFSRC);
  right.attributes.erase(RTA_PREFSRC);
  return left.is_same_as(right);
}

bool is_at_home(const AddressScene& scene, std::string_view bytes) {
  return !find_address(scene.home.socket, IpAddress::from_bytes(bytes)).empty();
}

/// The loan of a whole address that the route had for its source.
const LentAddress* find_lent(const Ledger& ledger, const RouteRecord& route) {
  const std::string_view source = bytes_of(route.attributes, RTA_PREFSRC);
  for (const auto& loan : ledger.address_loans) {
    if (!loan.ports.empty()) continue;
    for (const auto& lent : loan.addresses) {
      if (lent.home.address().bytes() == source) return &lent;
    }
  }
  return nullptr;
}

/// Whether it was the kernel that took the route away: an IPv4 route goes with the address that it
/// names (net/ipv4/fib_semantics.c, fib_sync_down_addr), and one of the kernel's own can't come
/// again with its device while that address is lent (fib_valid_prefsrc).
bool went_with_substitute(const AddressScene& scene, const RouteRecord& route) {
  if (route.protocol == RTPROT_KERNEL) return true;
  const auto* lent = find_lent(scene.ledger, route);
  return lent != nullptr && !is_at_home(scene, lent->substitute);
}

bool is_device_up(const AddressScene& scene, IfIndex device) {
  const auto link = find_link(scene.home.socket, device);
  return link && link->is_up();
}

/// At its place among equal routes through other devices.
Message entry(const DeviceRoute& wanted, std::string doing) {
  const bool is_first =
      wanted.route.place == RoutePlace::alone || wanted.route.place == RoutePlace::before;
  return is_first && wanted.route.family == AF_INET
             ? add_route_before(wanted.device, wanted.route, std::move(doing))
             : add_route(wanted.device, wanted.route, std::move(doing));
}

/// Whoever was killed between the two steps of a change has left both.
void remove_double(const AddressScene& scene, const DeviceRoute& changed,
                   const std::vector<RouteRecord>& now) {
  const auto* lent = find_lent(scene.ledger, changed.route);
  for (const auto& route : now) {
    if (lent == nullptr || bytes_of(route.attributes, RTA_PREFSRC) != lent->substitute ||
        !differ_in_source_only(route, changed.route)) {
      continue;
    }
    scene.ensure(scene.home,
                 remove_route(changed.device, route, "remove route " + describe(route)));
  }
}

void put_back(const AddressScene& scene, const DeviceRoute& changed) {
  const auto all = list_now(scene, changed);
  if (std::any_of(all.begin(), all.end(),
                  [&](const auto& each) { return each.is_same_as(changed.route); })) {
    return remove_double(scene, changed, all);
  }
  const auto now = all.empty() ? std::nullopt : std::optional(all.front());
  // Home may have taken away its source meanwhile, or made another route of it.
  const bool is_ours =
      now ? differ_in_source_only(*now, changed.route) : went_with_substitute(scene, changed.route);
  if (!is_ours || !is_device_up(scene, changed.device) ||
      !is_at_home(scene, bytes_of(changed.route.attributes, RTA_PREFSRC))) {
    return;
  }
  if (now) return change_route(scene, {changed.device, *now}, changed.route);
  scene.ensure(scene.home, entry(changed, "restore route " + describe(changed.route)));
}
}  // namespace

bool is_same_place(const DeviceRoute& left, const DeviceRoute& right) {
  const auto is_same = [&](std::uint16_t type) {
    return bytes_of(left.route.attributes, type) == bytes_of(right.route.attributes, type);
  };
  return left.device == right.device && left.route.family == right.route.family &&
         left.route.table == right.route.table && left.route.tos == right.route.tos &&
         left.route.destination_bits == right.route.destination_bits && is_same(RTA_DST) &&
         is_same(RTA_PRIORITY);
}

void change_route(const AddressScene& scene, const DeviceRoute& now, const RouteRecord& wanted) {
  std::vector<DeviceRoute> placed{{now.device, wanted}};
  std::vector<DeviceRoute> there{now};
  place_routes(scene.home.socket, there);
  placed.front().route.place = there.front().route.place;
  const std::string doing = "route " + describe(wanted);
  const Message removal =
      remove_route(now.device, now.route, "remove route " + describe(now.route));
  if (now.route.family == AF_INET) {
    // Not by replacing: the kernel replaces the first of equal routes, whichever is meant
    // (net/ipv4/fib_trie.c, fib_table_insert).
    scene.ensure(scene.home, entry(placed.front(), doing));
    return scene.ensure(scene.home, removal);
  }
  if (placed.front().route.place == RoutePlace::alone) {
    return scene.ensure(scene.home, replace_route(now.device, wanted, doing));
  }
  // The same of IPv6, which takes no second one through a device (net/ipv6/ip6_fib.c,
  // fib6_add_rt2node).
  scene.ensure(scene.home, removal);
  scene.ensure(scene.home, entry(placed.front(), doing));
}

std::vector<SourceChange> plan_source_routes(const AddressScene& scene, const HomeChanges& others,
                                             HomeChanges& changes) {
  std::vector<SourceChange> wanted;
  for (const auto& loan : scene.ledger.address_loans) {
    // Home goes on speaking from it.
    if (!loan.ports.empty() || !changes_home(mode_of(loan))) continue;
    for (const auto& lent : loan.addresses) {
      const std::string source(lent.home.address().bytes());
      auto routes = list_routes_from(scene.home.socket, {source}, lent.home.family);
      place_routes(scene.home.socket, routes);
      for (auto& route : routes) {
        if (route.route.protocol != kNetlendProtocol) {
          const auto* shared = find_place(others.routes, route);
          std::erase_if(changes.routes,
                        [&](const DeviceRoute& each) { return is_same_place(each, route); });
          changes.routes.push_back(shared != nullptr ? *shared : route);
        }
        SourceChange change{.now = std::move(route), .wanted = {}};
        change.wanted = change.now.route;
        change.wanted.attributes[RTA_PREFSRC] = lent.substitute;
        wanted.push_back(std::move(change));
      }
    }
  }
  return wanted;
}

void renew_source_routes(const AddressScene& scene, const std::set<IpAddress>& moved) {
  for (const auto& changed : scene.ledger.home_changes.routes) {
    const auto* lent = find_lent(scene.ledger, changed.route);
    if (lent == nullptr || !is_device_up(scene, changed.device)) continue;
    const bool is_lost =
        changed.route.protocol == RTPROT_KERNEL || moved.contains(lent->home.address());
    RouteRecord wanted = changed.route;
    wanted.attributes[RTA_PREFSRC] = lent->substitute;
    const auto now = find_now(scene, changed);
    if (!now && is_lost) {
      scene.ensure(scene.home, entry({changed.device, wanted}, "route " + describe(wanted)));
    } else if (now && !now->is_same_as(wanted) && differ_in_source_only(*now, wanted)) {
      change_route(scene, {changed.device, *now}, wanted);
    }
  }
}

void put_back_source_routes(const AddressScene& scene, const HomeChanges& others,
                            Failures& failures) {
  for (const auto& changed : scene.ledger.home_changes.routes) {
    if (find_place(others.routes, changed) != nullptr) continue;
    attempt(failures, [&] { put_back(scene, changed); });
  }
}

}  // namespace netlend
