#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/kernel/l3_namespace.hpp"
#include "net/kernel/names.hpp"
#include "net/kernel/port_range.hpp"

namespace netlend {

/// A device that exists at home, and how the plan names it.
struct DeviceSelector {
  enum class By { name, altname, mac, pci };
  By by = By::name;
  std::string value;
  bool operator==(const DeviceSelector&) const = default;
};

/// A veth pair that is made for the container and removed after it.
struct VethPair {
  /// Absent: a name is made up.
  std::optional<InterfaceName> host_name;
  std::optional<InterfaceName> bridge;
  std::vector<IpPrefix> host_addresses;
  bool operator==(const VethPair&) const = default;
};

struct Gateway {
  IpAddress address;
  /// Reachable though no prefix of the device covers it (`onlink=yes`).
  bool onlink = false;
  bool operator==(const Gateway&) const = default;
};

struct PlannedRoute {
  IpPrefix destination;
  std::optional<IpAddress> via;
  bool operator==(const PlannedRoute&) const = default;
};

/// One device of a plan: what it is and what it is to be inside.
struct NicPlan {
  /// Its name inside.
  InterfaceName inside;
  std::variant<DeviceSelector, VethPair> source;
  std::vector<IpPrefix> addresses;
  /// At most one a family.
  std::vector<Gateway> gateways;
  std::vector<PlannedRoute> routes;
  std::optional<std::uint32_t> mtu_bytes;
  std::optional<MacAddress> mac;
  bool up = true;
  /// Duplicate address detection for IPv6 addresses; without it they are usable at once.
  bool dad = true;
  /// Also give it inside the global permanent addresses that it has at home.
  bool keep_addresses = false;
  bool operator==(const NicPlan&) const = default;
};

/// How addresses are lent.
enum class AddressMode {
  /// The first that this machine can do.
  automatic,
  /// By the kernel's L3 network namespaces.
  kernel,
  /// By a veth pair and routes: the host answers for them on the LAN.
  routed,
  /// The same by a netkit pair.
  netkit,
  /// By an ipvlan (L3S) of the device that has them.
  ipvlan,
  /// By a macvlan (bridge) of it, which has a MAC address of its own on the LAN.
  macvlan
};
inline constexpr std::array kAddressModes{AddressMode::automatic, AddressMode::kernel,
                                          AddressMode::routed,    AddressMode::netkit,
                                          AddressMode::ipvlan,    AddressMode::macvlan};

/// As in a SPEC: "auto", "routed".
std::string_view mode_name(AddressMode mode);

/// Addresses of home's that a container is to get, all on one device of its own.
struct AddressPlan {
  std::vector<IpAddress> addresses;
  /// The device that has them at home; absent: whichever does.
  std::optional<InterfaceName> via;
  AddressMode mode = AddressMode::automatic;
  /// Only these ports of the addresses, which are shared with home and others; empty: all.
  std::vector<PortRange> ports;
  /// Broadcasts and multicasts of the LAN reach the borrower, too.
  bool broadcast = false;
  Loopback loopback = Loopback::own;
  /// The name of the device inside.
  InterfaceName inside{"eth0"};
  bool operator==(const AddressPlan&) const = default;
};

/// "10.0.0.1 2001:db8::1", "10.0.0.1 ports=80 ports=8000-8010".
std::string describe_addresses(const AddressPlan& plan);
/// " ports=80 ports=8000-8010"; nothing for none.
std::string describe_ports(const std::vector<PortRange>& ports);
/// "80".
std::string format_ports(const PortRange& range);

/// What a container is to get. Made by the functions of plan_parse.hpp, which check it; immutable
/// from then on.
struct Plan {
  std::vector<NicPlan> nics;
  std::vector<AddressPlan> addresses;

  bool is_empty() const noexcept { return nics.empty() && addresses.empty(); }
  bool operator==(const Plan&) const = default;
};

/// The source as the user typed it: "lan0", "pci:0000:03:00.1", "veth:h0".
std::string describe_source(const NicPlan& nic);

}  // namespace netlend
