#include "net/snapshot/deadline.hpp"

#include <algorithm>

#include "base/syscall.hpp"

namespace netlend {

namespace {
RawRecord without(RawRecord entry, std::uint16_t attribute) {
  entry.attributes.erase(attribute);
  return entry;
}

bool has_ended(const RawRecord& entry, std::uint16_t attribute) {
  const auto deadline_ms = number_of<std::int64_t>(entry, attribute);
  return deadline_ms != 0 && deadline_ms <= monotonic_ms();
}
}  // namespace

void keep_deadline(RawRecord& entry, std::uint16_t attribute, std::int64_t left_ms) {
  const std::int64_t deadline_ms = monotonic_ms() + left_ms;
  entry.attributes.insert_or_assign(
      attribute, std::string(reinterpret_cast<const char*>(&deadline_ms), sizeof deadline_ms));
}

bool is_missing(const std::vector<RawRecord>& list, const RawRecord& wanted,
                std::uint16_t attribute) {
  if (has_ended(wanted, attribute)) return false;
  const RawRecord plain = without(wanted, attribute);
  return std::none_of(list.begin(), list.end(), [&](const RawRecord& each) {
    return each.attributes.count(attribute) == 0 ? each == plain
                                                 : without(each, attribute) == plain;
  });
}

}  // namespace netlend
