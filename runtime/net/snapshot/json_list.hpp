#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace netlend {

/// An array of what `convert` makes of each record, and back.
template <typename Record, typename Convert>
nlohmann::json list_to_json(const std::vector<Record>& records, Convert convert) {
  auto array = nlohmann::json::array();
  for (const auto& record : records) array.push_back(convert(record));
  return array;
}

template <typename Convert>
auto list_from_json(const nlohmann::json& array, Convert convert) {
  std::vector<decltype(convert(array))> records;
  for (const auto& item : array) records.push_back(convert(item));
  return records;
}

}  // namespace netlend
