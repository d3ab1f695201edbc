#pragma once

#include <optional>
#include <string>
#include <vector>

namespace netlend {

/// Something that this kernel and system have to have for a part of what netlend does.
struct Finding {
  /// "addresses in mode 'netkit'".
  std::string subject;
  /// Why not, and what to do about it; absent: it is there.
  std::optional<std::string> missing;
  /// Without it a main part doesn't work at all.
  bool is_needed = false;
  bool operator==(const Finding&) const = default;
};

/// Asks all that lending and running containers ask before they begin. Changes nothing. Needs root
/// of the machine.
std::vector<Finding> examine();

}  // namespace netlend
