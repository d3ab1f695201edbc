#pragma once

#include <cstdint>
#include <string>

#include "net/kernel/link.hpp"

namespace netlend {

/// The IFF_* that a user sets; the rest the kernel reports.
std::uint32_t settable_flags(const LinkState& link);

/// What ip(8) calls one of LinkState's tunables: "txqlen"; "attribute_64" for what has no name.
std::string tunable_name(std::uint16_t type);

/// Of a dummy or a tap, whose carrier is what a user sets; of others it is that of a wire or a
/// peer.
bool has_settable_carrier(const LinkState& link);

}  // namespace netlend
