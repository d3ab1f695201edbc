#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/kernel/address.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/neighbour.hpp"
#include "net/kernel/qdisc.hpp"
#include "net/kernel/route.hpp"
#include "net/kernel/site.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/snapshot/device_settings.hpp"
#include "net/snapshot/relations.hpp"

namespace netlend {

/// All that we know of a device at home, taken before anything is touched.
struct DeviceSnapshot {
  LinkState link;
  std::vector<AddressRecord> addresses;
  std::vector<RouteRecord> routes;
  /// Through other devices, with an address of ours as their source: gone with that. Only in the
  /// snapshot of a device that is about to be lent, as are the places of routes.
  std::vector<DeviceRoute> dependent_routes;
  std::vector<NeighbourRecord> neighbours;
  Sysctls sysctls;
  /// What read_all_devices() gave; only in the snapshot of a device that is about to be lent.
  Sysctls all_devices;
  std::optional<QdiscRecord> root_qdisc;
  bool has_ingress_qdisc = false;
  /// Absent in the ledgers of a netlend that didn't look at them: then they are nobody's to judge.
  std::optional<DeviceSettings> settings;
  Relations relations;
  /// What hangs on it and can't be given back, a sentence each; only in the snapshot of a device
  /// that is about to be lent.
  std::vector<std::string> attached_losses;
  /// What was said to be lost before the device was lent by force, a sentence each. It is in no
  /// other field: it is neither given back nor missed.
  std::vector<std::string> announced_losses;
  bool operator==(const DeviceSnapshot&) const = default;
};

/// `home`: what it is taken to be compared with, which needn't be looked for in all of home; null:
/// nothing. Throws Error (ENODEV).
DeviceSnapshot take_snapshot(Site& site, IfIndex ifindex, const DeviceSnapshot* home = nullptr);
/// The same but for `settings`, which is absent.
DeviceSnapshot take_without_settings(Site& site, IfIndex ifindex,
                                     const DeviceSnapshot* home = nullptr);
/// With all that depends on the device at home, which a loan would take away.
DeviceSnapshot take_snapshot_with_dependents(Site& site, IfIndex ifindex);

}  // namespace netlend
