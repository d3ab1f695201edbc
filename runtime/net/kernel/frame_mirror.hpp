#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

/// Copies of what a device receives, made by traffic control: a classical BPF program chooses, the
/// action mirred sends. Source: tc-bpf(8), tc-mirred(8); net/sched/cls_bpf.c, act_mirred.c.
namespace netlend {

struct FrameMirror {
  IfIndex from;
  IfIndex to;
  /// Known again by it among the filters of the device; not 0.
  std::uint32_t mark = 0;
  /// Not 0 for a frame that is to be copied.
  std::vector<sock_filter> program;
};

/// What filters of received frames hang on. EEXIST: the device has such a qdisc.
Message add_ingress_qdisc(IfIndex device, std::string doing);
Message remove_ingress_qdisc(IfIndex device, std::string doing);
/// Whether the device has filters of received or sent frames there, whose-ever. Throws Error.
bool has_filters(RouteSocket& socket, IfIndex device);

/// The device has an ingress qdisc. All other filters go on behind it as before.
Message add_frame_mirror(const FrameMirror& mirror, std::string doing);
/// Those of that mark; none is success. Throws Error.
void remove_frame_mirrors(RouteSocket& socket, IfIndex device, std::uint32_t mark,
                          const std::string& doing);

/// Why this kernel can't make such copies; nothing: it can. It is tried in a network namespace of
/// its own, so that nothing is changed here. Throws Error where there can be none.
std::optional<std::string> why_no_frame_mirror(const std::vector<sock_filter>& program);

}  // namespace netlend
