#pragma once

#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// Waits, bounded, until the kernel has brought home what is left to it. False where the borrower's
/// namespace still lives, as it does where another container is in it: then nothing is to be done,
/// which is noted.
bool await_kernel(const LendingContext& context, const Ledger& ledger);

/// A virtual device that the kernel destroyed with the namespace that it was left in.
bool ended_with_namespace(const Ledger& ledger, const Loan& loan);

}  // namespace netlend
