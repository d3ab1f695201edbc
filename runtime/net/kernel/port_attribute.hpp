#pragma once

#include <cstdint>
#include <string_view>

#include "net/kernel/link.hpp"

namespace netlend {

/// Of the attributes that a master of this kind gives a port (IFLA_INFO_SLAVE_DATA), those that are
/// kept: what can be written back, and for a bond the address that the device had before it.
RawAttributes kept_port_attributes(std::string_view kind, const Attributes& port);

/// "priority", "queue_id"; empty for what is not kept.
std::string_view port_attribute_name(std::string_view kind, std::uint16_t type);

}  // namespace netlend
