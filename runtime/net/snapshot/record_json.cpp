#include "net/snapshot/record_json.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

using nlohmann::json;

std::string bytes_from_json(const json& value) {
  auto bytes = from_hex(value.get<std::string>());
  if (!bytes) throw Error("it holds '" + printable(value.dump()) + "', which is not hex");
  return *std::move(bytes);
}

std::string text_from_json(const json& value) {
  auto bytes = bytes_from_utf8(value.get<std::string>());
  if (!bytes) throw Error("it holds text that netlend doesn't write");
  return *std::move(bytes);
}

json raw_to_json(const RawAttributes& attributes) {
  json object = json::object();
  for (const auto& [type, bytes] : attributes) object[std::to_string(type)] = to_hex(bytes);
  return object;
}

RawAttributes raw_from_json(const json& object) {
  RawAttributes attributes;
  for (const auto& [key, value] : object.items()) {
    const auto type = parse_number(key, UINT16_MAX);
    if (!type) throw Error("it holds an attribute '" + printable(key) + "'");
    attributes.emplace(static_cast<std::uint16_t>(*type), bytes_from_json(value));
  }
  return attributes;
}

}  // namespace netlend
