#pragma once

#include <vector>

#include "net/kernel/route.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// Makes the device's routes, which are `now`, those of `home`, in their places among equal routes
/// of other devices.
void restore_routes(Restoration& restoration, const std::vector<RouteRecord>& home,
                    const std::vector<RouteRecord>& now);

/// Which of the routes through other devices aren't there.
std::vector<DeviceRoute> missing_dependents(RouteSocket& socket,
                                            const std::vector<DeviceRoute>& home);

/// Adds the routes through other devices that went with the device's addresses.
void restore_dependent_routes(Restoration& restoration, const std::vector<DeviceRoute>& home);

}  // namespace netlend
