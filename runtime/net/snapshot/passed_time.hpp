#pragma once

#include <cstdint>

#include "net/kernel/site.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// What becomes of the secondary addresses of an IPv4 address that is removed: the first one takes
/// its place, or all go with it. Source: net/ipv4/devinet.c, __inet_del_ifa.
enum class Secondaries { promoted, removed };

/// What home would do: the sysctl promote_secondaries, of all devices or of this one.
Secondaries secondaries_at_home(Site& home, const DeviceSnapshot& device);

/// What the kernel would have made of the device's deadlines at home by `now_s`, in seconds of
/// CLOCK_MONOTONIC: an address or a route whose time is over is gone, an address with its
/// secondaries or with the first of them in its place, and with the routes that come from such an
/// address; and an address that was to be preferred until then is deprecated.
void let_time_pass(DeviceSnapshot& home, std::int64_t now_s, Secondaries secondaries);

}  // namespace netlend
