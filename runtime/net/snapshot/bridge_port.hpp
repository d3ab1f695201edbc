#pragma once

#include <string>
#include <vector>

#include "net/snapshot/raw_record.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// What a bridge keeps for one of its ports, and forgets when that leaves.
struct BridgePort {
  /// Ranges of VLANs: bridge_vlan_info, BRIDGE_VLANDB_ENTRY_*.
  std::vector<RawRecord> vlans;
  /// Multicast groups that somebody has entered, and not the bridge heard of: br_mdb_entry,
  /// MDBA_MDB_EATTR_*; sorted. Of those for a time that of their end is kept: deadline.hpp.
  std::vector<RawRecord> groups;
  bool operator==(const BridgePort&) const = default;
};

/// `bridge` is the master of the port.
BridgePort observe_bridge_port(RouteSocket& socket, IfIndex port, const LinkState& bridge);

/// Whether its bridge enters by itself whom it hears behind the port; of another port: false.
bool is_learning(const LinkState& port);

/// "10 pvid untagged", "20-30".
std::string describe_vlan(const RawRecord& vlan);
/// "239.1.1.1 vlan 10".
std::string describe_group(const RawRecord& group);

std::vector<std::string> port_differences(const BridgePort& home, const BridgePort& now);

/// Gives the port, which can be down still, the VLANs that it had and no other, and the groups that
/// are permanent.
void restore_bridge_port(Restoration& restoration, const BridgePort& home, const LinkState& bridge);
/// Gives the port the other groups, which a bridge doesn't take for one that is down; each has its
/// whole time again.
void restore_temporary_groups(Restoration& restoration, const BridgePort& home,
                              const LinkState& bridge);

/// Waits, for a second at most, until the device is a port that forwards: with a carrier and
/// without STP that is a moment after it is up.
void await_forwarding(Restoration& restoration);

}  // namespace netlend
