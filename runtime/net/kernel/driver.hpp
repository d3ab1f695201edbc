#pragma once

#include <string>

namespace netlend {

/// The driver of a device of the calling process's network namespace, as `ethtool -i` names it:
/// "e1000e", "veth". Empty for a device without one, and for none of that name. Throws SysError.
/// Source: net/ethtool/ioctl.c, ETHTOOL_GDRVINFO.
std::string driver_of(const std::string& device);

}  // namespace netlend
