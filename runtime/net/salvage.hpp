#pragma once

#include <string>

#include "net/lending.hpp"

namespace netlend {

/// What the kernel alone still says of a ledger that nobody can read: every device with a mark of
/// ours in the namespaces that it pins comes here, down and otherwise as it is. Then its pins and
/// leases are dropped, its file is put aside and it is closed. Returns what came, what went wrong
/// and what is given up. The caller holds its lock.
Failures salvage_ledger(const LendingContext& context, const std::string& name) noexcept;

}  // namespace netlend
