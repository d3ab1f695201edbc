#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/kernel/link.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// A queueing discipline.
struct QdiscRecord {
  std::string kind;
  /// Handle "1:" as 0x10000; 0 for the default one that the kernel attached.
  std::uint32_t handle = 0;
  /// TCA_OPTIONS as sent, without counters.
  std::string options;
  /// It has what the kernel tells in part only: a size table, or blocks that it shares with others.
  bool has_more = false;

  bool is_default() const noexcept { return handle == 0; }
  bool operator==(const QdiscRecord&) const = default;
};

/// Which qdisc of a device: that of a parent, or that with a handle.
struct QdiscPlace {
  std::uint32_t parent = 0;
  std::uint32_t handle = 0;
};
/// Nothing where there is none, or the kernel has no traffic control.
std::optional<QdiscRecord> read_qdisc(RouteSocket& socket, IfIndex ifindex,
                                      const QdiscPlace& place);
std::optional<QdiscRecord> read_root_qdisc(RouteSocket& socket, IfIndex ifindex);
/// There is an ingress or clsact qdisc, which can hold filters.
bool has_ingress_qdisc(RouteSocket& socket, IfIndex ifindex);

/// Its kind and handle, as tc(8) says them: "tbf 7:".
std::string describe(const QdiscRecord& qdisc);

/// Its options as they are to be sent, so that the same are told again.
std::string options_to_send(std::string_view kind, std::string options);

Message set_root_qdisc(IfIndex ifindex, const QdiscRecord& qdisc, std::string doing);
/// Back to the kernel's default one.
Message remove_root_qdisc(IfIndex ifindex, std::string doing);

/// Why such a qdisc can't be given again; nothing: it can.
std::optional<std::string> why_not_writable(const QdiscRecord& qdisc);

}  // namespace netlend
