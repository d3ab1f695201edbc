#pragma once

#include <linux/pkt_sched.h>

#include <cstdint>
#include <string>

#include "net/kernel/message.hpp"
#include "net/kernel/names.hpp"

namespace netlend {

/// A qdisc, class, filter, or chain of filters, as it is sent to the kernel again.
struct TrafficRecord {
  std::uint32_t parent = 0;
  std::uint32_t handle = 0;
  /// Of a filter: its priority and protocol, and its chain.
  std::uint32_t info = 0;
  std::uint32_t chain = 0;
  /// Of a chain that of its template; empty: it has none.
  std::string kind;
  /// TCA_OPTIONS, without what the kernel counts.
  std::string options;
  /// Why it can't be made again; empty: it can.
  std::string why_not;
  auto operator<=>(const TrafficRecord&) const = default;
};

inline std::uint32_t major_of(std::uint32_t handle) { return handle & TC_H_MAJ_MASK; }
inline std::uint32_t minor_of(std::uint32_t handle) { return handle & TC_H_MIN_MASK; }

/// In the words of tc(8).
std::string describe(const TrafficRecord& record);

/// `type`: RTM_*QDISC, RTM_*TCLASS, RTM_*TFILTER, RTM_*CHAIN; with the record's place, and nothing
/// of what it is.
Message traffic_message(std::uint16_t type, IfIndex ifindex, const TrafficRecord& record,
                        std::string doing);

}  // namespace netlend
