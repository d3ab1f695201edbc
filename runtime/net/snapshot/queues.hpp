#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/kernel/site.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// What sysfs alone sets of a device: how packets are spread over its queues (RPS, XPS), limits of
/// those, and how it is polled. By path below /sys/class/net/NAME, without the newline.
/// Source: Documentation/ABI/testing/sysfs-class-net and sysfs-class-net-queues.
using QueueSettings = std::map<std::string, std::string>;

/// `device`: its name there. Empty where there is no sysfs.
QueueSettings read_queues(Site& site, const std::string& device);

/// What `now` has not as `home` had it, a sentence each. What depends on the number of queues, and
/// is gone with one, is told by ethtool's channels.
std::vector<std::string> differences(const QueueSettings& home, const QueueSettings& now);

/// Sets what differs from `home`, and nothing else.
void restore_queues(Restoration& restoration, const QueueSettings& home);

}  // namespace netlend
