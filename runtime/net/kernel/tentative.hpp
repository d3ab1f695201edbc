#pragma once

#include "net/kernel/address.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

enum class Which { all, global };

/// Waits until none of the device's addresses, or none but link-local ones, is tentative any more.
/// False at the timeout.
bool wait_for_addresses(Site& site, IfIndex ifindex, Which which, int timeout_ms);

}  // namespace netlend
