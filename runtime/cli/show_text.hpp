#pragma once

#include <string>

#include "cli/ledgers.hpp"
#include "cli/observe.hpp"

namespace netlend::cli {

/// A tree of at most 80 columns where words allow it. Without counters and ages: nothing changed,
/// the same text.
std::string format_text(const Books& books, const Observation& observation);

}  // namespace netlend::cli
