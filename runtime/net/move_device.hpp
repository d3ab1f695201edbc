#pragma once

#include <string>

#include "net/kernel/site.hpp"
#include "net/lending.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// Moves a device, which was `home` at home, out of `from`, where it is `link` now; a Wi-Fi device
/// by its phy, which takes neither an index nor a fallback name from the target. Throws Error.
void move_device(const LendingContext& context, Site& from, const LinkState& link,
                 const DeviceSnapshot& home, const MoveTarget& target, std::string doing);

}  // namespace netlend
