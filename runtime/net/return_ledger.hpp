#pragma once

#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// Brings home all that the ledger holds, whatever stage it reached, and closes it once everything
/// is verified, or at once where what is left over is to be forgotten. The caller holds its lock.
Failures return_ledger(const LendingContext& context, Ledger& ledger,
                       Leftover leftover = Leftover::keep) noexcept;

/// Whether it may be taken from its borrower: he is dead, whoever lent or gave back was
/// stopped half way, or a device of it is at home already. The caller holds its lock, so nobody is
/// at it now.
bool is_reapable(const Ledger& ledger);

}  // namespace netlend
