#pragma once

#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// Brings home all devices of the ledger, restores them, and compares each with its snapshot. Goes
/// on past failures. True when each is as it was, or can't come any more. Throws Error where home
/// can't be reached.
bool give_back_devices(const LendingContext& context, Ledger& ledger, Leftover leftover,
                       Failures& failures);

}  // namespace netlend
