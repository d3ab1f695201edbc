#pragma once

#include <set>
#include <string>
#include <vector>

#include "net/ledger/ledger.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/snapshot/snapshot.hpp"

namespace netlend {

/// What a device is at home (take_snapshot_with_dependents), with what only the ledgers of other
/// devices still know, which are away themselves: whether its routes stand before or behind equal
/// ones of theirs, that a filter of its own, whose target the kernel has forgotten, sends to one of
/// them, and that the other end of a veth is one of them, wherever that is at the moment.
void complete_by_other_loans(const StateDirectory& state, Site& home, DeviceSnapshot& snapshot);

/// Those of `loan`'s device that send on to it, but for such whose own device is away: they are no
/// longer at home, and come back with that.
std::vector<RawRecord> mirrors_at_home(const StateDirectory& state, const NetnsIdentity& home,
                                       const Loan& loan);

/// Takes out the routes of other devices that went with the loan's addresses, where that device is
/// neither at home any more nor lent itself, but for loans in `closed`, by their ids: its routes
/// were deleted with it. The subject of a sentence each.
std::vector<std::string> forget_routes_of_deleted(const StateDirectory& state, Site& home,
                                                  const std::set<std::string>& closed, Loan& loan);

}  // namespace netlend
