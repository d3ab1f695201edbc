#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// What ethtool(8) sets of a device and the kernel tells again: by section ("ring", "channel",
/// "coalescing", "pause", ...). A section that the driver hasn't is absent.
/// Source: Documentation/networking/ethtool-netlink.rst.
struct EthtoolState {
  /// By attribute, the bytes as sent.
  std::map<std::string, RawAttributes> numbers;
  /// By its name, whether what can be switched is wanted.
  std::map<std::string, std::map<std::string, bool>> switches;
  bool operator==(const EthtoolState&) const = default;
};

EthtoolState read_ethtool(Site& site, const LinkState& link);

/// What `now` has not as `home` had it, a sentence each.
std::vector<std::string> differences(const EthtoolState& home, const EthtoolState& now);

/// What a speed that isn't told is taken for: many drivers know a forced one only with a carrier.
enum class Doubt { changed, unchanged };

/// Sets what differs from `home`, and nothing else.
void restore_ethtool(Restoration& restoration, const EthtoolState& home, Doubt doubt);

/// The switches of one bitset, as the kernel writes it with names. Those that can be switched are
/// the ones of `mask`, a bitset of its own or, where the kernel sends one with a mask, the same.
std::map<std::string, bool> parse_switches(const Attributes& wanted, const Attributes& mask);

}  // namespace netlend
