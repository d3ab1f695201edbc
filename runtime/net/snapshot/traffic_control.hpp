#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/qdisc.hpp"
#include "net/kernel/site.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// A qdisc, class or filter, as it is sent to the kernel again.
struct TrafficRecord {
  std::uint32_t parent = 0;
  std::uint32_t handle = 0;
  /// Of a filter: its priority and protocol, and its chain.
  std::uint32_t info = 0;
  std::uint32_t chain = 0;
  std::string kind;
  /// TCA_OPTIONS, without what the kernel counts.
  std::string options;
  /// Why it can't be made again; empty: it can.
  std::string why_not;
  auto operator<=>(const TrafficRecord&) const = default;
};

/// What a device's queueing has besides its root qdisc; each list sorted. A move takes it all.
/// Source: tc(8); net/sched/sch_api.c, cls_api.c.
struct TrafficControl {
  /// Below the root's, and ingress or clsact. Those that the kernel attached are left out.
  std::vector<TrafficRecord> qdiscs;
  std::vector<TrafficRecord> classes;
  std::vector<TrafficRecord> filters;
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
std::string describe(const TrafficRecord& record);
std::vector<std::string> describe(const TrafficControl& traffic);

}  // namespace netlend
