#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace netlend {

/// Attributes as the kernel sent them, by type: to be sent back unchanged.
using RawAttributes = std::map<std::uint16_t, std::string>;

/// Empty if absent.
inline std::string_view bytes_of(const RawAttributes& attributes, std::uint16_t type) {
  const auto found = attributes.find(type);
  return found == attributes.end() ? std::string_view{} : found->second;
}

/// "192.0.2.10"; empty if absent. Throws Error where it is no address.
std::string address_text(const RawAttributes& attributes, std::uint16_t type);

}  // namespace netlend
