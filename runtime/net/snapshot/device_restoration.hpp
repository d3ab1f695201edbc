#pragma once

#include "net/snapshot/comparison.hpp"
#include "net/snapshot/restoration.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// The restoration of a whole device: what it was at home, and what it is at this moment, when its
/// own name may be another's.
struct DeviceRestoration : Restoration {
  const DeviceSnapshot& home;
  DeviceSnapshot now;

  /// Throws Error, as take_comparable().
  void look_again() { now = take_comparable(site, ifindex, home); }
};

}  // namespace netlend
