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
  /// Multicast groups that somebody has entered for good: br_mdb_entry, MDBA_MDB_EATTR_*; sorted.
  std::vector<RawRecord> groups;
  bool operator==(const BridgePort&) const = default;
};

/// `bridge` is the master of the port.
BridgePort observe_bridge_port(RouteSocket& socket, IfIndex port, const LinkState& bridge);

/// "10 pvid untagged", "20-30".
std::string describe_vlan(const RawRecord& vlan);
/// "239.1.1.1 vlan 10".
std::string describe_group(const RawRecord& group);

std::vector<std::string> port_differences(const BridgePort& home, const BridgePort& now);

/// Gives the port the VLANs that it had and no other, and the groups.
void restore_bridge_port(Restoration& restoration, const BridgePort& home, const LinkState& bridge);

}  // namespace netlend
