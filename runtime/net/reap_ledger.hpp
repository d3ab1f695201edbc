#pragma once

#include <string>

#include "net/lending.hpp"

namespace netlend {

struct ReapResult {
  /// The ledger is closed: all that it held is home.
  bool is_closed = false;
  Failures failures;
};

/// Brings home what the ledger holds if its borrower is dead, its making was interrupted, or
/// `scope` says all. Left alone, and not closed, while somebody is lending it; who brings it home
/// is waited for, and so is a borrower or lender that was killed. Throws Error where that one
/// doesn't end.
ReapResult reap_ledger(const LendingContext& context, const std::string& name, ReapScope scope);

/// Drops a lease that names a ledger which doesn't exist and which nobody is about to write.
void release_stale_lease(const StateDirectory& state, const std::string& lease_name);

}  // namespace netlend
