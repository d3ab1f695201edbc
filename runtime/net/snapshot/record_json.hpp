#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

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

/// A list, each of its items as `convert` makes it. Over the type of JSON, so that this header can
/// do without all of it.
template <typename Json = nlohmann::json, typename Record, typename Convert>
Json list_to_json(const std::vector<Record>& records, Convert convert) {
  Json array = Json::array();
  for (const auto& record : records) array.push_back(convert(record));
  return array;
}

template <typename Json, typename Convert>
auto list_from_json(const Json& array, Convert convert) {
  std::vector<decltype(convert(array))> records;
  for (const auto& item : array) records.push_back(convert(item));
  return records;
}

}  // namespace netlend
