#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace netlend {

/// Ports of TCP and UDP, both ends among them.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  auto operator<=>(const PortRange&) const = default;
};

inline bool overlap(const PortRange& one, const PortRange& other) {
  return one.first <= other.last && other.first <= one.last;
}

inline bool overlap(const std::vector<PortRange>& some, const PortRange& range) {
  return std::any_of(some.begin(), some.end(),
                     [&](const PortRange& one) { return overlap(one, range); });
}

}  // namespace netlend
