#pragma once

#include <string>

#include "fault/trace.hpp"

namespace netlend::test {

/// Calls that can outlive their caller. A process that is killed at any other call leaves what one
/// leaves that is killed at the next of these, since what it only reads, or changes in itself (its
/// memory, descriptors, flocks, detached mounts, the namespaces that it is in), ends with it.
bool outlives_its_caller(const Call& call);

/// Requests to the kernel by netlink, those that only ask included.
bool is_netlink_request(const Call& call);

/// Those, but for what was asked already since something was changed: who waits asks the same again
/// and again, as often as the kernel takes its time.
IsPoint netlink_requests();

/// Those that ask for all there are of a kind.
bool is_netlink_dump(const Call& call);

/// Requests by netlink that change something: of rtnetlink, ethtool and nftables.
bool is_netlink_change(const Call& call);

/// Calls that set something in the kernel and are no request by netlink: what is written to sysfs
/// and sysctl, and what an ioctl sets of a device.
bool is_setting(const Call& call);

/// Calls that need room, or a disk that works, in the state folder.
IsPoint writes_below(const std::string& folder);

}  // namespace netlend::test
