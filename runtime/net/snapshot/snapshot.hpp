#pragma once

#include <optional>
#include <string>
#include <string_view>
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

/// Throws Error (ENODEV).
DeviceSnapshot take_snapshot(Site& site, IfIndex ifindex);
/// With all that depends on the device at home, which a loan would take away.
DeviceSnapshot take_snapshot_with_dependents(Site& site, IfIndex ifindex);

/// The marks that netlend puts on lent devices: "netlend-" and 16 hex digits.
bool is_mark(std::string_view altname);

/// The altnames without marks.
std::vector<std::string> own_altnames(const LinkState& link);

/// The IFF_* that a user sets; the rest the kernel reports.
std::uint32_t settable_flags(const LinkState& link);

/// Of a dummy or a tap, whose carrier is what a user sets; of others it is that of a wire or a
/// peer.
bool has_settable_carrier(const LinkState& link);

/// What `now` has not as `home` had it, a sentence each; marks and what the kernel does by itself
/// (ifindex, duplicate address detection, carrier) left out. Empty: it is home as it was.
std::vector<std::string> differences(const DeviceSnapshot& home, const DeviceSnapshot& now);

/// The same after reading all that the device is now.
std::vector<std::string> differences_now(Site& site, IfIndex ifindex, const DeviceSnapshot& home);

/// What could not be given back as it is, a sentence each. Empty: everything can.
std::vector<std::string> unrestorable(Site& site, const DeviceSnapshot& snapshot);

/// Takes what could not be given back out of what is promised, and keeps the sentences about it.
void give_up_unrestorable(Site& site, DeviceSnapshot& snapshot);

/// What the device is now, but for its settings, and without such things if some were given up at
/// home: nobody's to judge.
DeviceSnapshot take_comparable(Site& site, IfIndex ifindex, const DeviceSnapshot& home);

}  // namespace netlend
