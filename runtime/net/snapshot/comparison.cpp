#include "net/snapshot/comparison.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "net/kernel/route_order.hpp"
#include "net/snapshot/differences.hpp"
#include "net/snapshot/restore_routes.hpp"
#include "net/snapshot/unrestorable.hpp"

namespace netlend {

namespace {
/// A route through this device from another one's address may have come home with that one, after
/// this one was written down without it: it is that loan's, or somebody's at home, and stays.
void forget_routes_from_elsewhere(DeviceSnapshot& now, const DeviceSnapshot& home) {
  std::erase_if(now.routes, [&](const RouteRecord& route) {
    const auto source = route.attributes.find(RTA_PREFSRC);
    if (source == route.attributes.end()) return false;
    const bool is_own =
        std::any_of(home.addresses.begin(), home.addresses.end(), [&](const auto& address) {
          return address.family == route.family && address.address().bytes() == source->second;
        });
    return !is_own && std::none_of(home.routes.begin(), home.routes.end(),
                                   [&](const auto& each) { return each.is_same_as(route); });
  });
}
}  // namespace

DeviceSnapshot take_comparable(Site& site, IfIndex ifindex, const DeviceSnapshot& home) {
  DeviceSnapshot now = take_without_settings(site, ifindex, &home);
  forget_routes_from_elsewhere(now, home);
  if (!home.announced_losses.empty()) remove_unrestorable(now);
  return now;
}

std::vector<std::string> differences_now(Site& site, IfIndex ifindex, const DeviceSnapshot& home) {
  DeviceSnapshot now = home.settings ? take_snapshot(site, ifindex, &home)
                                     : take_without_settings(site, ifindex, &home);
  forget_routes_from_elsewhere(now, home);
  const bool has_places =
      std::any_of(home.routes.begin(), home.routes.end(),
                  [](const auto& route) { return route.place != RoutePlace::alone; });
  if (has_places) place_routes(site.socket, ifindex, now.routes);
  if (!home.announced_losses.empty()) remove_unrestorable(now);
  auto found = differences(home, now);
  for (auto& difference : pointer_differences(site, now.link.name, home.relations)) {
    found.push_back(std::move(difference));
  }
  for (const auto& [device, route] : missing_dependents(site.socket, home.dependent_routes)) {
    found.push_back(
        fmt::format("route '{}' of device {} is missing", describe(route), device.value));
  }
  return found;
}

}  // namespace netlend
