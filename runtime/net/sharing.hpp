#pragma once

#include <vector>

#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// Takes along what the borrower shares with another container of its pod: where it shared the very
/// same in the namespace that the other one lives in, and now has another, since the container that
/// the pod's namespace belongs to was restarted, all of it is brought home, to be lent anew.
/// Returns the others of the pod, who share it on. Throws Error where a rule refuses it to this
/// borrower, or if it doesn't come home.
std::vector<Sharer> take_along(const LendingContext& context, const Plan& plan,
                               const Borrower& borrower, const LendOptions& options);

}  // namespace netlend
