#pragma once

#include <cstdint>

#include "net/kernel/link.hpp"

namespace netlend {

/// The IFF_* that a user sets; the rest the kernel reports.
std::uint32_t settable_flags(const LinkState& link);

/// Of a dummy or a tap, whose carrier is what a user sets; of others it is that of a wire or a
/// peer.
bool has_settable_carrier(const LinkState& link);

}  // namespace netlend
