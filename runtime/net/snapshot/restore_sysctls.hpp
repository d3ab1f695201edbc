#pragma once

#include <cstdint>
#include <optional>

#include "net/kernel/sysctl.hpp"
#include "net/snapshot/device_restoration.hpp"

namespace netlend {

/// Writes those of `wanted` that are other than that.
void restore_sysctls(DeviceRestoration& device, const Sysctls& wanted);

/// What rtnetlink says of IPv6 and not /proc/sys: IN6_ADDR_GEN_MODE_*, absent without IPv6, ...
void restore_addrgenmode(DeviceRestoration& device, std::optional<std::uint8_t> mode);
/// ... and the token, for which sysctls and IFF_NOARP may become others than at home.
void restore_token(DeviceRestoration& device);

}  // namespace netlend
