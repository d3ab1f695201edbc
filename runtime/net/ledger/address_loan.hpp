#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/address.hpp"
#include "net/kernel/fib_rule.hpp"
#include "net/kernel/netns.hpp"
#include "net/kernel/route.hpp"

namespace netlend {

/// How far a loan got when its ledger was last written: for people. Recovery asks where the device
/// is.
enum class Stage { intent, lent, ready, returning };

/// An address that is away, as it was at home.
struct LentAddress {
  /// Its device there.
  IfIndex device;
  std::string device_name;
  AddressRecord home;
  /// Addresses of the device, in IPv4 of its network there, that stood before it: the first fitting
  /// one is the source of what the host sends.
  std::vector<IpAddress> before;
  /// Another address of the device, which the host speaks from while this one is away.
  std::string substitute;  // raw bytes
  bool operator==(const LentAddress&) const = default;
};

/// Addresses that one container has, on one device of its own.
struct AddressLoan {
  /// 16 hex digits.
  std::string id;
  /// The device's name inside, and what it is made as: "routed", ...
  std::string inside;
  std::string mode;
  /// The end at home of the pair that they are routed by, known again by its address.
  std::string host_name;
  std::string host_address;    // raw bytes
  std::string inside_address;  // raw bytes
  /// Of the device that stands on one of home's (modes "ipvlan" and "macvlan"), inside.
  std::optional<IfIndex> upper;
  /// In mode "kernel": the number of the borrower's L3 network namespace, which home knows it by.
  std::optional<std::uint32_t> l3_id;
  /// The rules of nftables that this loan has at home are in a table called `host_name`.
  bool has_table = false;
  /// Copies of broadcasts are made by traffic control, and not by that table.
  bool has_mirrors = false;
  /// Where only ports of the addresses are lent: those, and those that the borrower's own
  /// connections go out by. Empty, and absent: all.
  std::vector<PortRange> ports;
  std::optional<PortRange> own_ports;
  Stage stage = Stage::intent;
  std::vector<LentAddress> addresses;
  /// Those of a device of home's that are taken away for a moment and put on again, one after the
  /// other, for the sake of the order, while these come home.
  std::vector<AddressRecord> put_again;
  IfIndex put_again_on;
  bool operator==(const AddressLoan&) const = default;
};

/// A sysctl of a device of home's, and its value before the first loan that needs another.
struct ChangedSysctl {
  IfIndex device;
  std::string key;
  std::string before;
  /// That of `all` then, where setting that sets every device: if it is another since, so is what
  /// home wants.
  std::optional<std::string> all;
  bool operator==(const ChangedSysctl&) const = default;
};

/// What loans of addresses change at home that several of them need: each ledger names what it
/// needs, and whoever is the last to do so puts back what was before the first.
struct HomeChanges {
  /// In the order in which they were changed.
  std::vector<ChangedSysctl> sysctls;
  /// That were added, and taken away.
  std::vector<FibRule> rules;
  std::vector<FibRule> removed_rules;
  /// As they were; another source address is in them now.
  std::vector<DeviceRoute> routes;
  /// The devices that were given a qdisc for filters of what they receive.
  std::vector<IfIndex> ingress_qdiscs;

  bool is_empty() const noexcept {
    return sysctls.empty() && rules.empty() && removed_rules.empty() && routes.empty() &&
           ingress_qdiscs.empty();
  }
  bool operator==(const HomeChanges&) const = default;
};

/// Whether an address of AF_INET or AF_INET6 is lent by it.
bool has_family(const AddressLoan& loan, int family);

/// All that only the borrower of these ports may use; empty: the whole address.
std::vector<PortRange> all_ports(const AddressLoan& loan);

/// The file in addresses/ that keeps others away from an address of this home, or from the first
/// of the ports of it that are lent.
std::string address_lease(const IpAddress& address, const std::vector<PortRange>& ports,
                          const NetnsIdentity& home);

}  // namespace netlend
