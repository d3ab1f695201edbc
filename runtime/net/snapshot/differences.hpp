#pragma once

#include <string>
#include <vector>

#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// What `now` has not as `home` had it, a sentence each; marks and what the kernel does by itself
/// (ifindex, duplicate address detection, carrier) left out. Empty: it is home as it was.
std::vector<std::string> differences(const DeviceSnapshot& home, const DeviceSnapshot& now);

}  // namespace netlend
