#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netlend {

/// Of IFLA_INFO_DATA what somebody has set, without what the kernel tells beside it and changes by
/// itself: the timers and the spanning tree of a bridge, which slave of a bond is active, and more.
std::string kept_kind_options(std::string_view kind, std::string_view options);

/// Of IFLA_INFO_DATA what was chosen when the device was made, and can't be changed after: the
/// number of a VXLAN or VLAN. Empty for other kinds.
std::string fixed_kind_options(std::string_view kind, std::string_view options);

/// What differs between two such lists, a sentence each.
std::vector<std::string> kind_option_differences(std::string_view kind, std::string_view home,
                                                 std::string_view now);

}  // namespace netlend
