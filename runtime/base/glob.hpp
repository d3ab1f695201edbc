#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Shell patterns: `*`, `?`, `[...]`, and `\` before what is meant as it is. Source: fnmatch(3).
namespace netlend {

/// True where `text` matches `pattern`.
bool matches_glob(const std::string& pattern, const std::string& text);

/// A pattern that matches `text`, of characters that stay as they are in a shell's single quotes
/// and in whatever logs them. It matches nothing else, but that a quote, a backslash and what isn't
/// printable ASCII are matched by whatever isn't a letter, a digit or one of "._@-". Never begins
/// with '-', as an option does.
std::string glob_literal(std::string_view text);

/// Indexed by the byte.
using ByteSet = std::bitset<256>;

/// The bytes that `is_in` takes.
template <typename Predicate>
ByteSet bytes_that(Predicate is_in) {
  ByteSet bytes;
  for (unsigned byte = 0; byte < bytes.size(); ++byte) bytes[byte] = is_in(static_cast<char>(byte));
  return bytes;
}

/// Texts of one kind: which bytes can stand at each place, and how many places there are at least.
struct TextShape {
  std::vector<ByteSet> places;
  std::size_t least_bytes = 1;
};

/// A text of that shape which `pattern` matches, or nothing if it matches none. Throws Error
/// (usage) for a pattern that is broken: longer than 4096 bytes, empty, with a '[' that no ']'
/// closes (fnmatch(3) takes it for the character itself), with nothing behind a '\', or with a set
/// that no byte is in.
std::optional<std::string> example_of(const std::string& pattern, const TextShape& shape);

}  // namespace netlend
