#pragma once

#include <string>
#include <vector>

#include "net/kernel/site.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// What the device is now, but for its settings. Where something was given up at home as
/// unrestorable, all such things are left out: they are nobody's to judge.
DeviceSnapshot take_comparable(Site& site, IfIndex ifindex, const DeviceSnapshot& home);

/// What differences() says after reading all that the device is now.
std::vector<std::string> differences_now(Site& site, IfIndex ifindex, const DeviceSnapshot& home);

}  // namespace netlend
