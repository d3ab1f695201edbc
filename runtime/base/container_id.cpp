#include "base/container_id.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

bool ContainerId::is_allowed(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '+' || c == '-' || c == '.';
}

bool ContainerId::is_made_up() const { return text_.size() == kMadeUpDigits && from_hex(text_); }

std::string ContainerId::short_str() const {
  constexpr std::size_t kDigits = 12;
  return is_made_up() ? text_.substr(0, kDigits) : text_;
}

std::size_t find_made_up_id(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = std::min(text.find_first_of(kDigits, at), text.size());
    at = std::min(text.find_first_not_of(kDigits, begin), text.size());
    if (at - begin == ContainerId::kMadeUpDigits) return begin;
  }
  return text.size();
}

ContainerId::ContainerId(std::string_view text) : text_(text) {
  if (text.empty() || text.size() > kLengthMax || text.front() == '.' ||
      !std::all_of(text.begin(), text.end(), is_allowed)) {
    throw Error::usage(fmt::format(
        "container id '{}': use 1 to {} letters, digits, '_', '+', '-' or '.', and no '.' first",
        printable(text), kLengthMax));
  }
}

}  // namespace netlend
