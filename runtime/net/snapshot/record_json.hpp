#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "net/kernel/link.hpp"

/// The few kinds of values that every record in a ledger is made of. The readers throw Error or
/// nlohmann::json::exception for what the writers don't write.
namespace netlend {

/// Bytes from hex.
std::string bytes_from_json(const nlohmann::json& value);
/// Bytes from the text that bytes_to_utf8() gives.
std::string text_from_json(const nlohmann::json& value);

nlohmann::json raw_to_json(const RawAttributes& attributes);
RawAttributes raw_from_json(const nlohmann::json& object);

}  // namespace netlend
