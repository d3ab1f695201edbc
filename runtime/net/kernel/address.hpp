#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/route_socket.hpp"

namespace netlend {

/// One address of a device, with all that is needed to give it again.
struct AddressRecord {
  int family = 0;
  int length_bits = 0;
  std::uint8_t scope = 0;
  std::uint32_t flags = 0;  // IFA_F_*
  /// IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_LABEL, IFA_RT_PRIORITY, IFA_PROTO, ...
  RawAttributes attributes;
  /// Deadlines in whole seconds of CLOCK_MONOTONIC, so that two snapshots compare; absent: for
  /// ever.
  std::optional<std::int64_t> valid_until_s;
  std::optional<std::int64_t> preferred_until_s;

  /// The address itself: IFA_LOCAL, else IFA_ADDRESS.
  IpAddress address() const;
  bool is_tentative() const noexcept;
  bool is_duplicate() const noexcept;
  bool is_permanent() const noexcept;
  /// Whether its valid lifetime has ended at that time of CLOCK_MONOTONIC.
  bool is_over(std::int64_t now_ms) const noexcept;
  bool is_link_local_ipv6() const;
  /// Equal but for what the kernel does by itself: the state of duplicate address detection.
  bool is_same_as(const AddressRecord& other) const;
  bool operator==(const AddressRecord&) const = default;
};

/// Whether `error` is how a kernel without IPv6 answers a dump of that family.
bool is_no_ipv6(const Error& error, int family);

/// The device's addresses in the kernel's order, IPv4 first.
std::vector<AddressRecord> list_addresses(RouteSocket& socket, IfIndex ifindex);

/// An address and the device that has it.
struct DeviceAddress {
  IfIndex device;
  AddressRecord record;
};

/// Where in this namespace the address is: no device, one, or several.
std::vector<DeviceAddress> find_address(RouteSocket& socket, const IpAddress& address);

/// The network that it is an address of.
IpPrefix network_of(const AddressRecord& address);

/// As ip(8) would print it: "10.0.0.1/24 brd 10.0.0.255 scope global label eth0:x".
std::string describe(const AddressRecord& address);

Message add_address(IfIndex ifindex, const AddressRecord& address, std::string doing);
Message remove_address(IfIndex ifindex, const AddressRecord& address, std::string doing);

/// The number of the L3 network namespace that has the address; absent: its device's namespace
/// itself, as everywhere without them (kernel/l3_namespace.hpp).
std::optional<std::uint32_t> owner_of(const AddressRecord& address);

/// Gives an address that is there to an open L3 network namespace, or back to the network namespace
/// whose child that is.
Message give_address(IfIndex ifindex, const AddressRecord& address, int netns_fd,
                     std::string doing);

/// Why the kernel does not take such an address from a user; nothing: it does.
std::optional<std::string> why_not_writable(const AddressRecord& address);

/// A global permanent address as a plan asks for it; IPv4 with its broadcast address.
AddressRecord make_address(const IpPrefix& prefix, bool dad);

}  // namespace netlend
