#pragma once

#include <algorithm>
#include <compare>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/kernel/link.hpp"

namespace netlend {

/// An object of the kernel's (a rule, an entry of a bridge) as it sent it, to be sent back: a fixed
/// header, without the device's index, and attributes.
struct RawRecord {
  std::string header;
  RawAttributes attributes;
  auto operator<=>(const RawRecord&) const = default;
};

template <typename Header>
RawRecord make_record(const Header& header, RawAttributes attributes) {
  return {.header = std::string(reinterpret_cast<const char*>(&header), sizeof header),
          .attributes = std::move(attributes)};
}

/// Throws Error where a ledger says something else than make_record() made.
template <typename Header>
Header header_of(const RawRecord& record) {
  Header header;
  if (record.header.size() != sizeof header) {
    throw Error("a record's header is not as long as the kernel's");
  }
  std::memcpy(&header, record.header.data(), sizeof header);
  return header;
}

inline bool contains(const std::vector<RawRecord>& list, const RawRecord& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

/// Empty if absent.
inline std::string_view bytes_of(const RawRecord& record, std::uint16_t attribute) {
  return bytes_of(record.attributes, attribute);
}

/// 0 if absent or of another size.
template <typename Integer>
Integer number_of(const RawRecord& record, std::uint16_t attribute) {
  Integer value{};
  const auto bytes = bytes_of(record, attribute);
  if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace netlend
