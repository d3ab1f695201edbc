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

/// A decimal number without sign, blanks or a rest, at most `max`; nothing otherwise.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max);

/// The parts of `text` between separators, empty ones left out.
std::vector<std::string_view> split_words(std::string_view text, std::string_view separators);

/// True where `text` matches the shell-style `pattern` (`*`, `?`, `[...]`). Source: fnmatch(3).
bool matches_glob(const std::string& pattern, const std::string& text);

}  // namespace netlend
