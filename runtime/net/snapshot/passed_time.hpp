#pragma once

#include <cstdint>

#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// What the kernel would have made of the device's deadlines at home by `now_s`, in seconds of
/// CLOCK_MONOTONIC: an address or a route whose time is over is gone, with the routes that come
/// from such an address, and an address that was to be preferred until then is deprecated.
void let_time_pass(DeviceSnapshot& home, std::int64_t now_s);

}  // namespace netlend
