#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/kernel/qdisc.hpp"
#include "net/kernel/site.hpp"
#include "net/snapshot/restoration.hpp"
#include "net/snapshot/traffic_record.hpp"

namespace netlend {

/// What a device's queueing has besides its root qdisc; each list sorted. A move takes it all.
/// Source: tc(8); net/sched/sch_api.c, cls_api.c.
struct TrafficControl {
  /// Below the root's, and ingress or clsact. Those that the kernel attached are left out.
  std::vector<TrafficRecord> qdiscs;
  std::vector<TrafficRecord> classes;
  std::vector<TrafficRecord> filters;
  /// Those that aren't there by their filters alone: they have none, or a template.
  std::vector<TrafficRecord> chains = {};
  bool operator==(const TrafficControl&) const = default;
};

/// What a reader knows already of a device's queueing.
struct QdiscRoots {
  std::optional<QdiscRecord> root;
  bool has_ingress = false;
};
TrafficControl read_traffic_control(Site& site, IfIndex ifindex, const QdiscRoots& roots);

/// What `now` has not as `home` had it, a sentence each.
std::vector<std::string> differences(const TrafficControl& home, const TrafficControl& now);

/// What could not be given back as it is, a sentence each.
std::vector<std::string> unrestorable(const TrafficControl& traffic);
/// Takes that out of what is promised.
void remove_unrestorable(TrafficControl& traffic);

/// Makes it again below `root`, which the device has already; what is there and differs is taken
/// off first.
void restore_traffic_control(Restoration& restoration, const std::optional<QdiscRecord>& root,
                             const TrafficControl& home);

/// In the words of tc(8).
std::vector<std::string> describe(const TrafficControl& traffic);

}  // namespace netlend
