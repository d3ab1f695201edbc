#pragma once

#include <string>
#include <vector>

#include "net/snapshot/raw_record.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// The actions of traffic control, of whatever device's filter or of none, that send packets on to
/// the device: tc_mirred, without its index. The kernel severs them as the device leaves, and they
/// drop what they redirect (net/sched/act_mirred.c, mirred_device_event).
std::vector<RawRecord> list_mirrors(RouteSocket& socket, IfIndex device);

/// "action 77 of traffic control, which mirrors to it".
std::string describe_mirror(const RawRecord& mirror);

/// Those that send nowhere now, a sentence each; one that is gone or sends elsewhere is its
/// owner's.
std::vector<std::string> mirror_differences(RouteSocket& socket,
                                            const std::vector<RawRecord>& mirrors);

/// Those that are gone or send elsewhere, a sentence's subject each.
std::vector<std::string> removed_mirrors(RouteSocket& socket, IfIndex device,
                                         const std::vector<RawRecord>& mirrors);

void restore_mirrors(Restoration& restoration, const std::vector<RawRecord>& mirrors);

}  // namespace netlend
