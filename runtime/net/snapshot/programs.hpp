#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/kernel/bpf.hpp"
#include "net/kernel/site.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// The BPF programs of a device, which stay with it wherever it is moved.
/// Source: net/core/dev.c, dev_xdp_attach; kernel/bpf/tcx.c; drivers/net/netkit.c.
struct Programs {
  /// By XDP mode (XDP_FLAGS_SKB_MODE, ...) the program's id.
  std::map<std::uint32_t, std::uint32_t> xdp;
  std::vector<ListedProgram> listed;
  bool operator==(const Programs&) const = default;
};

Programs read_programs(Site& site, const LinkState& link);

/// What `now` has not as `home` had it, a sentence each.
std::vector<std::string> differences(const Programs& home, const Programs& now);

/// Takes off what somebody attached meanwhile, and attaches again what he took off if the program
/// is still loaded.
void restore_programs(Restoration& restoration, const Programs& home);

/// Those that netlink can take off and nothing but the device may hold. Held open, they can be
/// attached again.
std::vector<UniqueFd> open_programs(const Programs& programs);

/// Takes what can't be attached again out of what is promised, a sentence each: of a device that is
/// at home, programs that were taken off and are loaded no more, and links that were detached.
std::vector<std::string> give_up_lost(Site& site, const LinkState& link, Programs& home);

/// In the words of the report of `plan`.
std::vector<std::string> describe(const Programs& programs);

}  // namespace netlend
