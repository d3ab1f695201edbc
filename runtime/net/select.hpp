#pragma once

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

/// Throws Error where two selectors of the plan mean one device. What isn't at home passes: to say
/// so is find_wanted()'s.
void check_each_wanted_once(Site& home, const Plan& plan);

}  // namespace netlend
