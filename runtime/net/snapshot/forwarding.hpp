#pragma once

#include <string>
#include <vector>

#include "net/snapshot/raw_record.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// The link-layer addresses that somebody has entered for a device, as `bridge fdb add` does: in
/// the bridge that it is a port of, and in its own filter.
struct Forwarding {
  /// ndmsg (NTF_MASTER or NTF_SELF), NDA_*; sorted. Of those for a time that of their end is kept:
  /// deadline.hpp. The kernel doesn't tell a dynamic entry that somebody made from one that it
  /// learned: where it learns for the device, those are left to it.
  std::vector<RawRecord> entries;
  /// Multicast addresses of its own filter that are there whatever IP listens to, as `ip maddr add`
  /// makes them: raw bytes, sorted.
  std::vector<std::string> groups;
  bool operator==(const Forwarding&) const = default;
};

Forwarding observe_forwarding(Site& site, const LinkState& link);

/// "02:00:00:00:00:05 vlan 10 master static".
std::string describe_entry(const RawRecord& entry);

/// What is missing. What is there beside it nobody but home's own can have entered: the kernel
/// forgets such entries as the device leaves, and those of a vxlan are removed before it is up.
std::vector<std::string> forwarding_differences(const Forwarding& home, const Forwarding& now);

/// A vxlan keeps its entries as it moves: of one that isn't up yet, where home's own enter nothing,
/// those of addresses with others than at home are removed. The rest is restore_forwarding()'s.
/// Throws Error.
void remove_foreign_entries(Restoration& restoration, const LinkState& now, const Forwarding& home);

void restore_forwarding(Restoration& restoration, const LinkState& now, const Forwarding& home);

}  // namespace netlend
