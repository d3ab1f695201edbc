#include "net/snapshot/restore_routes.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "net/kernel/route_order.hpp"

namespace netlend {

namespace {
/// Finds one among thousands.
class RouteIndex {
 public:
  explicit RouteIndex(const std::vector<RouteRecord>& routes) {
    for (const auto& route : routes) by_destination_[destination_of(route)].push_back(&route);
  }
  bool has(const RouteRecord& wanted) const {
    const auto found = by_destination_.find(destination_of(wanted));
    return found != by_destination_.end() &&
           std::any_of(found->second.begin(), found->second.end(),
                       [&](const RouteRecord* route) { return route->is_same_as(wanted); });
  }

 private:
  static std::string destination_of(const RouteRecord& route) {
    return std::string(bytes_of(route.attributes, RTA_DST));
  }

  std::unordered_map<std::string, std::vector<const RouteRecord*>> by_destination_;
};

class Router {
 public:
  explicit Router(Restoration& restoration) : restoration_(restoration) {}

  void remove(const RouteRecord& route) {
    restoration_.call(remove_route(restoration_.ifindex, route, doing(route)));
  }
  void add(const RouteRecord& route) {
    send(add_route(restoration_.ifindex, route, doing(route)), route);
  }
  void add_before(const RouteRecord& route) {
    send(add_route_before(restoration_.ifindex, route, doing(route)), route);
  }

 private:
  std::string doing(const RouteRecord& route) const {
    return restoration_.doing(fmt::format("route {}", describe(route)));
  }
  void send(const Message& add, const RouteRecord& route) {
    restoration_.step(add.doing(), [&] { send_with_helper(add, route); });
  }
  void send_with_helper(const Message& add, const RouteRecord& route) {
    RouteSocket& socket = restoration_.site.socket;
    try {
      socket.call(add);
      return;
    } catch (const Error& error) {
      if (error.errno_value() == EEXIST) return;
      const auto helper = gateway_helper(route);
      const bool unreachable = error.errno_value() == ENETUNREACH ||
                               error.errno_value() == EHOSTUNREACH || error.errno_value() == EINVAL;
      if (!helper || !unreachable) throw;
      // Its gateway was reachable by a prefix that has gone since; the route itself stayed.
      const std::string doing_helper = restoration_.doing("a helper route");
      socket.call(add_route(restoration_.ifindex, *helper, doing_helper));
      attempt(restoration_.failures, [&] { socket.call(add); });
      socket.call(remove_route(restoration_.ifindex, *helper, doing_helper));
    }
  }

  Restoration& restoration_;
};

/// What is to stand before or behind its equals and doesn't is added again, and with it what of the
/// device has that place already: it would come to stand on the wrong side of it.
void restore_place(Restoration& restoration, const std::vector<RouteRecord>& home,
                   RoutePlace place) {
  std::vector<RouteRecord> wanted;
  std::copy_if(home.begin(), home.end(), std::back_inserter(wanted),
               [&](const auto& route) { return route.place == place; });
  if (wanted.empty()) return;
  attempt(restoration.failures, [&] {
    std::vector<RouteRecord> now = wanted;
    place_routes(restoration.site.socket, restoration.ifindex, now);
    const bool all_right = std::all_of(now.begin(), now.end(), [&](const auto& route) {
      return route.place == place || route.place == RoutePlace::alone;
    });
    if (all_right) return;
    Router router(restoration);
    // Each goes before those that are there, so the last goes in first.
    if (place == RoutePlace::before) std::reverse(wanted.begin(), wanted.end());
    for (const auto& route : wanted) {
      router.remove(route);
      place == RoutePlace::before ? router.add_before(route) : router.add(route);
    }
  });
}
}  // namespace

void restore_routes(Restoration& restoration, const std::vector<RouteRecord>& home,
                    const std::vector<RouteRecord>& now) {
  Router router(restoration);
  const RouteIndex at_home(home);
  const RouteIndex present(now);
  for (const auto& route : now) {
    if (!at_home.has(route)) router.remove(route);
  }
  // Those without a gateway first: the others are reached through them.
  for (const bool with_gateway : {false, true}) {
    for (const auto& route : home) {
      const bool has_gateway =
          route.attributes.contains(RTA_GATEWAY) || route.attributes.contains(RTA_VIA);
      if (has_gateway == with_gateway && !present.has(route)) router.add(route);
    }
  }
  for (const auto place : {RoutePlace::before, RoutePlace::behind}) {
    restore_place(restoration, home, place);
  }
}

std::vector<DeviceRoute> missing_dependents(RouteSocket& socket,
                                            const std::vector<DeviceRoute>& home) {
  std::map<IfIndex, std::vector<const RouteRecord*>> by_device;
  for (const auto& each : home) by_device[each.device].push_back(&each.route);
  std::vector<DeviceRoute> missing;
  for (const auto& [device, wanted] : by_device) {
    const auto there = list_routes(socket, device);
    const RouteIndex present(there);
    for (const RouteRecord* route : wanted) {
      if (!present.has(*route)) missing.push_back({device, *route});
    }
  }
  return missing;
}

void restore_dependent_routes(Restoration& restoration, const std::vector<DeviceRoute>& home) {
  const auto add = [&](const DeviceRoute& dependent) {
    const RouteRecord& route = dependent.route;
    const std::string doing =
        restoration.doing(fmt::format("route {} of device {}, whose source is an address",
                                      describe(route), dependent.device.value));
    restoration.step(doing, [&] {
      try {
        restoration.site.socket.call(route.place == RoutePlace::before
                                         ? add_route_before(dependent.device, route, doing)
                                         : add_route(dependent.device, route, doing));
      } catch (const Error& error) {
        if (error.errno_value() != EEXIST) throw;
        if (!missing_dependents(restoration.site.socket, {dependent}).empty()) throw;
      }
    });
  };
  // Each goes before those that are there, so the last goes in first.
  for (auto each = home.rbegin(); each != home.rend(); ++each) {
    if (each->route.place == RoutePlace::before) add(*each);
  }
  for (const auto& each : home) {
    if (each.route.place != RoutePlace::before) add(each);
  }
}

}  // namespace netlend
