#pragma once

#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// What a bond and one of its ports have of each other's link addresses. A bond that loses its last
/// port gets a random one, and then that of the next port (drivers/net/bonding/bond_main.c).
struct Bond {
  /// Its own; empty where it is that of whichever port is active.
  std::string address;
  /// The port's is the bond's own, or another that the bond deals out. What the device had before
  /// it joined is among the port's attributes.
  bool gives_address = false;
  /// Somebody chose the bond's, be it netlend; of interest only now, and not in a ledger.
  bool is_address_chosen = false;
  bool operator==(const Bond&) const = default;
};

/// `bond` is the master of the port. Throws Error where there is no sysfs.
Bond observe_bond(Site& site, const LinkState& port, const LinkState& bond);

/// What `now` has not as `home` had it, a sentence each. An address that somebody chose meanwhile
/// is home's business.
std::vector<std::string> bond_differences(const Bond& home, const Bond& now,
                                          const std::string& name);

/// Before a port joins it, which then is given the bond's address. Throws Error, as observe_bond().
void restore_bond(Restoration& restoration, const Bond& home, const LinkState& port,
                  const LinkState& bond);

}  // namespace netlend
