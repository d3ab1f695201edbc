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

/// Lists of IFLA_INFO_DATA that turn `now` into `home`, in the forms in which the kernel takes it
/// (rtnl_link_ops::changelink), to be sent one after the other; none where nothing differs. What
/// the kernel can't change back stays as it is.
std::vector<std::string> kind_option_changes(std::string_view kind, std::string_view home,
                                             std::string_view now);

}  // namespace netlend
