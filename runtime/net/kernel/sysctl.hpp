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

/// In place of a device, for a sysctl of the namespace: "/proc/sys/net/ipv4/./ip_local_port_range".
inline constexpr const char* kNoDevice = ".";
/// The ports that connections go out by that have bound none.
inline constexpr const char* kLocalPorts = "ipv4/ip_local_port_range";

/// One of them; nothing where it isn't there. `device` can be "all" as well. Throws Error.
std::optional<std::string> read_sysctl(const Netns& netns, const std::string& device,
                                       const std::string& key);

/// "net.ipv4.conf.up0.forwarding" of "ipv4/conf/forwarding", as sysctl(8) writes it: with '/' for
/// the dots of a device's name. Printable.
std::string sysctl_name(const std::string& key, std::string device);

/// Throws Error that names the file.
void write_sysctl(const Netns& netns, const std::string& device, const std::string& key,
                  const std::string& value);

}  // namespace netlend
