#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netlend {

inline constexpr std::size_t kPrintableMax = 256;

/// `text` with control and non-ASCII bytes as \xNN, cut at `max` bytes: for foreign text in
/// messages.
std::string printable(std::string_view text, std::size_t max = kPrintableMax);

/// Lower case hex of the bytes.
std::string to_hex(std::string_view bytes);

/// The bytes of lower or upper case hex; nothing for an odd length or another character.
std::optional<std::string> from_hex(std::string_view hex);

/// Any bytes as text that JSON can hold, ASCII unchanged: each byte is taken for the Latin-1
/// character of its value. A device's name need not be UTF-8, and must come back as it was.
std::string bytes_to_utf8(std::string_view bytes);
/// The reverse; nothing for text that bytes_to_utf8() doesn't give.
std::optional<std::string> bytes_from_utf8(std::string_view text);

/// A decimal number without sign, blanks or a rest, at most `max`; nothing otherwise.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max);

/// The parts of `text` between separators, empty ones left out.
std::vector<std::string_view> split_words(std::string_view text, std::string_view separators);

}  // namespace netlend
