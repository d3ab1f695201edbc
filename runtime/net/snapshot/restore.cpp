#include "net/snapshot/restore.hpp"

#include <algorithm>

#include "net/snapshot/master.hpp"
#include "net/snapshot/restore_addresses.hpp"
#include "net/snapshot/restore_link.hpp"
#include "net/snapshot/restore_names.hpp"
#include "net/snapshot/restore_routes.hpp"
#include "net/snapshot/restore_sysctls.hpp"

namespace netlend {

namespace {
void restore_master(DeviceRestoration& device) {
  const DeviceSnapshot& home = device.home;
  const DeviceSnapshot& now = device.now;
  const NamedMaster wanted{home.link.master, home.relations.master_name, home.relations.bond};
  const NamedMaster have{now.link.master, now.relations.master_name, now.relations.bond};
  if (master_differences(wanted, have).empty()) return;
  // A bond takes nothing that is up.
  if (home.link.master && home.link.master->kind == "bond" && !now.link.master) {
    set_up(device, false);
  }
  restore_master(device, now.link, wanted);
  // It may have been set down for it, and up by it, and been given another link address.
  attempt(device.failures, [&] { device.look_again(); });
}

void restore_all_routes(DeviceRestoration& device) {
  attempt(device.failures, [&] {
    device.now.routes = take_comparable(device.site, device.ifindex, device.home).routes;
  });
  restore_routes(device, device.home.routes, device.now.routes);
  restore_dependent_routes(device, device.home.dependent_routes);
}

bool contains(const std::vector<NeighbourRecord>& list, const NeighbourRecord& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

void restore_neighbours(DeviceRestoration& device) {
  const auto& home = device.home.neighbours;
  auto& now = device.now.neighbours;
  attempt(device.failures, [&] {
    RouteSocket& socket = device.site.socket;
    now = list_neighbours(socket, read_link(socket, device.ifindex));
  });
  const auto doing = [&](const NeighbourRecord& neighbour) {
    return device.doing("neighbour " + describe(neighbour));
  };
  for (const auto& neighbour : now) {
    if (contains(home, neighbour)) continue;
    device.call(remove_neighbour(device.ifindex, neighbour, doing(neighbour)));
  }
  for (const auto& neighbour : home) {
    if (contains(now, neighbour)) continue;
    device.call(add_neighbour(device.ifindex, neighbour, doing(neighbour)));
  }
}

void restore_root_qdisc(DeviceRestoration& device) {
  const auto& home = device.home.root_qdisc;
  auto& now = device.now.root_qdisc;
  attempt(device.failures, [&] { now = read_root_qdisc(device.site.socket, device.ifindex); });
  if (!home || now == home) return;
  if (home->is_default()) {
    if (now && !now->is_default()) {
      device.call(remove_root_qdisc(device.ifindex, device.doing("the root qdisc")));
    }
    return;
  }
  device.call(set_root_qdisc(device.ifindex, *home, device.doing("the root qdisc")));
}

void restore_parts(DeviceRestoration& device) {
  const DeviceSnapshot& home = device.home;
  restore_names(device);
  restore_link(device);
  if (home.settings) restore_before_up(device, *home.settings);
  restore_master(device);
  restore_before_up(device, home.relations);
  restore_addresses(device);
  set_up(device, home.link.is_up());
  restore_all_routes(device);
  restore_neighbours(device);
  restore_root_qdisc(device);
  if (home.settings) restore_after_up(device, home.root_qdisc, *home.settings);
  restore_sysctls(device, home.sysctls);
  restore_addrgenmode(device, home.link.addrgenmode);
  restore_relations(device, home.relations);
}
}  // namespace

Failures restore_device(Site& home, IfIndex ifindex, const DeviceSnapshot& snapshot,
                        const StepCallback& on_step) noexcept {
  Failures failures;
  attempt(failures, [&] {
    DeviceRestoration device{{home, ifindex, snapshot.link.name, on_step, failures},
                             snapshot,
                             take_comparable(home, ifindex, snapshot)};
    restore_parts(device);
  });
  return failures;
}

}  // namespace netlend
