#pragma once

#include <string>

#include "net/kernel/site.hpp"
#include "net/lending.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// A device where it is now, and what it is at home.
struct MovingDevice {
  Site& site;
  const LinkState& link;
  const DeviceSnapshot& home;
};

/// Moves a device; one of Wi-Fi by its phy, which takes neither an index nor a fallback name from
/// the target. Throws Error.
void move_device(const LendingContext& context, const MovingDevice& device,
                 const MoveTarget& target, std::string doing);

}  // namespace netlend
