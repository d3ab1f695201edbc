#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "net/plan/plan.hpp"

/// What a SPEC and a plan file have in common.
namespace netlend {

/// The words of a SPEC. Throws Error (usage) for one that is too long or has commas or quotes.
std::vector<std::string_view> split_spec(std::string_view text);

/// Between the words of a SPEC.
inline constexpr std::string_view kWordSeparators = " \t\n;";
inline constexpr std::size_t kNicsMax = 64;
inline constexpr std::size_t kAddressesMax = 256;
inline constexpr std::size_t kRoutesMax = 1024;
inline constexpr std::uint32_t kMtuMin = 68;  // RFC 791
inline constexpr std::uint32_t kMtuMax = 65535;

/// "lan0", "dev:lan0", "alt:NAME", "mac:AA:..", "pci:0000:03:00.1", "veth:[HOST-NAME]".
/// Throws Error (usage).
std::variant<DeviceSelector, VethPair> parse_source(std::string_view text);

/// An address that a device can have, for `addr=` and `host-addr=`: neither loopback, multicast,
/// unspecified nor an IPv4 address inside IPv6, and with a prefix length that isn't 0.
/// Throws Error (usage).
IpPrefix parse_own_address(std::string_view text);

/// What a packet can be sent to through a device, for `gw=` and the part of `route=` behind the
/// `@`. Throws Error (usage).
IpAddress parse_next_hop(std::string_view text);

/// The network that a route leads to: no host bits, no loopback, no default route.
/// Throws Error (usage).
IpPrefix parse_route_destination(std::string_view text);

/// An address of home's that a container can be lent: as for `gw=`, but not link-local either.
/// Throws Error (usage).
IpAddress parse_lendable_address(std::string_view text);

/// The name of a mode. Throws Error (usage) that says which there are.
AddressMode parse_mode(std::string_view text);

/// "own", "shared". Throws Error (usage).
Loopback parse_loopback(std::string_view text);

/// "80", "8000-8010". Throws Error (usage).
PortRange parse_ports(std::string_view text);

/// Checks what holds between the parts of one loan of addresses. Throws Error (usage).
void check_address_plan(const AddressPlan& plan);

/// Checks what holds between the parts of one device: gateways and next hops can be reached,
/// nothing is there twice, IPv6 has the MTU it needs. Throws Error (usage).
void check_nic(const NicPlan& nic);

}  // namespace netlend
