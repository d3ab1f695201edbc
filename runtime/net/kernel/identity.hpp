#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// What a device is recognised by wherever it is and whatever it is called there: never by its
/// name.
struct DeviceIdentity {
  /// "pci 0000:03:00.1"; empty for a virtual device.
  std::string parent_bus;
  std::string parent_device;
  std::string port_name;
  std::string permanent_address;  // raw bytes
  std::string kind;
  /// Its index at home; that of its peer (veth) or lower device (macvlan, vlan) and, if that isn't
  /// at home, the id of its namespace as home numbers it.
  IfIndex home_ifindex;
  std::optional<IfIndex> peer;
  std::optional<std::uint32_t> peer_nsid;
  /// The options of its kind that nobody can change: a VXLAN's or VLAN's number, a tap's mode.
  std::string fixed_options;  // raw bytes
  bool operator==(const DeviceIdentity&) const = default;
};

DeviceIdentity identify_device(const LinkState& link);

/// The name of its lease: one harmless file name, the same whoever asks, wherever the device is
/// called what.
std::string lease_name(const DeviceIdentity& identity, const NetnsIdentity& home);

/// Has a parent device or, without being of a kind that is made by software, a permanent address:
/// whatever has the same is the device itself, and no borrower can make another such.
bool is_physical(const DeviceIdentity& identity);

/// The same parent device and permanent address, kind, number and lower device: for a virtual one
/// that is necessary and not enough.
bool could_be(const DeviceIdentity& identity, const LinkState& link);

/// Whether a tunnel goes through the namespace that it went through at home: it does wherever it
/// is, but one that a borrower makes goes through the borrower's. True of what is no tunnel. `link`
/// is what `there` says of it.
/// Source: rtnetlink(7), IFLA_LINK_NETNSID; net/core/rtnetlink.c, rtnl_fill_link_netnsid.
bool goes_through_home(const DeviceIdentity& identity, Site& home, Site& there,
                       const LinkState& link);

/// Where the other end of a veth says that the veth is. A borrower can't forge it: that end is not
/// the borrower's.
struct VethPlace {
  IfIndex ifindex;
  /// The namespace's id as home numbers it; absent: home itself.
  std::optional<std::uint32_t> nsid;
  bool operator==(const VethPlace&) const = default;
};

/// Nothing where the other end is gone, or joined to nothing any more. Source: rtnetlink(7),
/// IFLA_LINK and IFLA_LINK_NETNSID.
std::optional<VethPlace> find_veth(Site& home, const DeviceIdentity& identity);

/// The id by which `home` knows a namespace; nothing where it has none. Source: RTM_GETNSID.
std::optional<std::uint32_t> nsid_of(Site& home, const Netns& netns);
/// The ids of all that are known there.
std::vector<std::uint32_t> list_nsids(Site& site);

}  // namespace netlend
