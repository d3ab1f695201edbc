#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cli/ledgers.hpp"
#include "cli/observe.hpp"

namespace netlend::cli {

/// {"netlend": 1, "namespaces": [...], "loans": [...]}: all that netlend restores, in words.
/// Nothing that the kernel changes by itself, so that before and after can be compared.
nlohmann::ordered_json show_to_json(const Books& books, const Observation& observation);

}  // namespace netlend::cli
