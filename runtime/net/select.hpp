#pragma once

#include "net/lending.hpp"
#include "net/link.hpp"
#include "net/site.hpp"

namespace netlend {

enum class Reaping { no, yes };

/// The device at home that the selector means and that can be moved. One that a dead borrower holds
/// is brought home first, if `reaping` says so. Throws Error: unknown, immovable, or lent, and to
/// whom.
LinkState find_wanted(const LendingContext& context, Site& home, const DeviceSelector& selector,
                      Reaping reaping);

}  // namespace netlend
