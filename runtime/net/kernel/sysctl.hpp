#pragma once

#include <map>
#include <optional>
#include <string>

#include "net/kernel/netns.hpp"

namespace netlend {

/// A device's own settings under /proc/sys/net, by "ipv4/conf/arp_notify" (the device's name left
/// out, so that they outlive a new name). Those that can't be written or read back are left out,
/// and addrgenmode, which has an attribute of its own.
using Sysctls = std::map<std::string, std::string>;

/// Needs /proc. Throws Error.
Sysctls read_sysctls(const Netns& netns, const std::string& device);

/// One of them; nothing where it isn't there. Throws Error.
std::optional<std::string> read_sysctl(const Netns& netns, const std::string& device,
                                       const std::string& key);

/// Throws Error that names the file.
void write_sysctl(const Netns& netns, const std::string& device, const std::string& key,
                  const std::string& value);

}  // namespace netlend
