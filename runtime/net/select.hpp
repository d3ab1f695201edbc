#pragma once

#include <set>
#include <string>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"
#include "net/lending.hpp"

namespace netlend {

enum class Reaping { no, yes };

/// The device at home that the selector means and that can be moved. One that a dead borrower holds
/// is brought home first, if `reaping` says so. Throws Error: unknown, immovable, or lent, and to
/// whom.
LinkState find_wanted(const LendingContext& context, Site& home, const DeviceSelector& selector,
                      Reaping reaping);

/// The devices of one home that are wanted together: each can be lent once, whatever it was called.
class WantedOnce {
 public:
  explicit WantedOnce(const NetnsIdentity& home) : home_(home) {}

  /// Throws Error if the device is wanted already: if it has the same lease.
  void add(const LinkState& link);

 private:
  NetnsIdentity home_;
  std::set<std::string> leases_;
};

/// Throws Error where two selectors of the plan mean one device. What isn't at home passes: to say
/// so is find_wanted()'s.
void check_each_wanted_once(Site& home, const Plan& plan);

}  // namespace netlend
