#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/names.hpp"
#include "net/kernel/port_range.hpp"
#include "net/kernel/route.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// One rule of which routing table is asked, or what becomes of a packet without asking one, as far
/// as netlend makes such rules. Source: ip-rule(8).
struct FibRule {
  int family = 0;
  /// The lower, the earlier; of equal ones that which was added first.
  std::uint32_t priority = 0;
  std::uint8_t action = 0;  // FR_ACT_*
  std::optional<IpPrefix> from;
  std::optional<IpPrefix> to;
  /// The device that a packet came by; empty: any.
  std::string iif;
  /// IPPROTO_*, which ports go with; 0: any.
  std::uint8_t ip_protocol = 0;
  std::optional<PortRange> source_ports;
  std::optional<PortRange> destination_ports;
  /// Of FR_ACT_TO_TBL.
  std::uint32_t table = 0;
  /// The priority that FR_ACT_GOTO goes on at; a higher one.
  std::uint32_t jump_to = 0;
  /// Who made it: RTPROT_KERNEL, ...
  std::uint8_t protocol = kNetlendProtocol;
  bool operator==(const FibRule&) const = default;
};

/// The rules of a family, in the kernel's order; what FibRule has no member for is left out of
/// them. Empty for a kernel without that family or without rules.
std::vector<FibRule> list_fib_rules(RouteSocket& socket, int family);

/// EEXIST where there is one that says the same.
Message add_fib_rule(const FibRule& rule, std::string doing);
Message remove_fib_rule(const FibRule& rule, std::string doing);

/// "6 from 10.0.0.1/32 iif nl-1 goto 9".
std::string describe(const FibRule& rule);

}  // namespace netlend
