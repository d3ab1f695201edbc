#include "net/snapshot/snapshot.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "net/kernel/route_order.hpp"
#include "net/snapshot/all_devices.hpp"
#include "net/snapshot/attachment.hpp"

namespace netlend {

namespace {
/// They go by the device's name, which udev may change meanwhile; not for ever.
Sysctls read_sysctls_of(Site& site, LinkState& link) {
  constexpr int kTries = 3;
  for (int tries = 1;; ++tries) {
    Sysctls sysctls = read_sysctls(site.netns, link.name);
    LinkState now = read_link(site.socket, link.ifindex);
    if (now.name == link.name || tries == kTries) return sysctls;
    link = std::move(now);
  }
}
}  // namespace

DeviceSnapshot take_without_settings(Site& site, IfIndex ifindex, const DeviceSnapshot* home) {
  DeviceSnapshot snapshot;
  snapshot.link = read_link(site.socket, ifindex);
  snapshot.addresses = list_addresses(site.socket, ifindex);
  snapshot.routes = list_routes(site.socket, ifindex);
  snapshot.neighbours = list_neighbours(site.socket, snapshot.link);
  snapshot.sysctls = read_sysctls_of(site, snapshot.link);
  snapshot.root_qdisc = read_root_qdisc(site.socket, ifindex);
  snapshot.has_ingress_qdisc = has_ingress_qdisc(site.socket, ifindex);
  snapshot.relations =
      observe_relations(site, snapshot.link, home == nullptr ? nullptr : &home->relations);
  return snapshot;
}

DeviceSnapshot take_snapshot(Site& site, IfIndex ifindex, const DeviceSnapshot* home) {
  DeviceSnapshot snapshot = take_without_settings(site, ifindex, home);
  snapshot.settings =
      read_settings(site, snapshot.link,
                    {.root = snapshot.root_qdisc, .has_ingress = snapshot.has_ingress_qdisc});
  return snapshot;
}

DeviceSnapshot take_snapshot_with_dependents(Site& site, IfIndex ifindex) {
  DeviceSnapshot snapshot = take_snapshot(site, ifindex);
  snapshot.all_devices = read_all_devices(site);
  snapshot.attached_losses = attached_losses(site, snapshot.link);
  find_pointers(site, snapshot.link, snapshot.relations);
  place_routes(site.socket, ifindex, snapshot.routes);
  std::vector<std::string> sources;
  // IPv4 removes such routes of the main table with the address (net/ipv4/fib_semantics.c,
  // fib_sync_down_addr); what it leaves is there already when they are given again. IPv6 takes a
  // source away from its routes through the same device only (net/ipv6/route.c,
  // fib6_remove_prefsrc).
  for (const auto& address : snapshot.addresses) {
    if (address.family == AF_INET) sources.emplace_back(address.address().bytes());
  }
  if (sources.empty()) return snapshot;
  for (auto& found : list_routes_from(site.socket, sources)) {
    const bool is_own = found.device == ifindex ||
                        std::any_of(snapshot.routes.begin(), snapshot.routes.end(),
                                    [&](const auto& own) { return own.is_same_as(found.route); });
    if (!is_own) snapshot.dependent_routes.push_back({found.device, std::move(found.route)});
  }
  place_routes(site.socket, snapshot.dependent_routes);
  return snapshot;
}

}  // namespace netlend
