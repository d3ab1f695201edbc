#pragma once

#include <optional>
#include <string>

#include "net/lending.hpp"

namespace netlend {

/// For messages about what has not come home.
inline constexpr const char* kHowToLearnWhy =
    "'netlend loans' shows the loan, 'netlend reap' tries again and says why";

/// Tells the context's on_note what came home, or didn't, on the way to something else.
void note(const LendingContext& context, const Failures& failures);

/// A ledger of the same container: ours if it says the same; else it has to be closed first, if its
/// borrower lives. What a dead one leaves open is no obstacle: its devices are kept by their
/// leases. Returns the ledger's name in the first case. Throws Error where a living one holds what
/// doesn't fit.
std::optional<std::string> meet_earlier(const LendingContext& context, const Plan& plan,
                                        const std::string& plan_text, const Borrower& borrower);

}  // namespace netlend
