#include "base/text.hpp"

#include <algorithm>
#include <string>

#include "base/glob.hpp"
#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"

namespace netlend::fuzz {

namespace {
void check_hex(std::string_view input) {
  require(from_hex(to_hex(input)) == input, "bytes survive as hex");
  if (const auto bytes = from_hex(input)) {
    std::string lower(input);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    require(to_hex(*bytes) == lower, "hex is read as it was written");
  }
}

void check_utf8(std::string_view input) {
  require(bytes_from_utf8(bytes_to_utf8(input)) == input, "bytes survive as UTF-8");
  if (const auto bytes = bytes_from_utf8(input)) {
    require(bytes_to_utf8(*bytes) == input, "only what bytes_to_utf8() gives is read");
  }
}

void check_number(std::string_view input) {
  constexpr std::uint64_t kMax = 65535;
  const auto number = parse_number(input, UINT64_MAX);
  const auto small = parse_number(input, kMax);
  require(small.has_value() == (number && *number <= kMax), "a number is bounded");
  if (!number) return;
  const auto digits = input.substr(std::min(input.find_first_not_of('0'), input.size() - 1));
  require(std::to_string(*number) == digits, "a number is its digits");
}

void check_words(std::string_view input) {
  constexpr std::string_view kSeparators = " ;";
  std::string joined;
  for (const auto word : split_words(input, kSeparators)) {
    require(!word.empty(), "a word is not empty");
    joined += word;
  }
  std::string expected(input);
  expected.erase(std::remove_if(expected.begin(), expected.end(),
                                [&](char c) { return kSeparators.find(c) != std::string::npos; }),
                 expected.end());
  require(joined == expected, "words are all that stands between separators, in order");
}

void check_printable(std::string_view input) {
  constexpr std::size_t kLongestEscape = 4;
  const std::string shown = printable(input);
  require(std::all_of(shown.begin(), shown.end(), [](char c) { return c >= ' ' && c <= '~'; }),
          "what is printable is ASCII");
  require(shown.size() <= kPrintableMax * kLongestEscape + 3, "what is printable is short");
  require(printable(shown, shown.size()) == shown, "what is printable stays as it is");
}

void check_glob(std::string_view input) {
  const std::string text(input.substr(0, input.find('\0')));
  if (text.find_first_of("*?[\\") != std::string::npos) return;
  require(matches_glob(text, text), "a pattern without wildcards matches itself");
  require(!matches_glob(text, text + "x"), "a pattern without wildcards matches nothing else");
  require(matches_glob("*", text), "* matches everything");
}
}  // namespace

/// Any bytes.
void text(std::string_view input) {
  check_hex(input);
  check_utf8(input);
  check_number(input);
  check_words(input);
  check_printable(input);
  check_glob(input);
}

}  // namespace netlend::fuzz
