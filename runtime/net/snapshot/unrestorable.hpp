#pragma once

#include <string>
#include <vector>

#include "net/kernel/site.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// What could not be given back as it is, a sentence each. Empty: everything can.
std::vector<std::string> unrestorable(Site& site, const DeviceSnapshot& snapshot);

/// Takes what could not be given back out of what is promised, and keeps the sentences about it.
void give_up_unrestorable(Site& site, DeviceSnapshot& snapshot);

/// Takes it out of a snapshot that is compared with one it was given up in.
void remove_unrestorable(DeviceSnapshot& snapshot);

}  // namespace netlend
