#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/ledgers.hpp"
#include "net/ledger/ledger.hpp"

namespace netlend::cli {

nlohmann::ordered_json loans_to_json(const Books& books, const std::vector<Ledger>& ledgers);

/// Indented, with a line's end.
std::string format_json(const nlohmann::ordered_json& json);

}  // namespace netlend::cli
