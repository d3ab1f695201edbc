#include "base/glob.hpp"

#include <fmt/core.h>
#include <fnmatch.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr std::size_t kPatternMax = 4096;

/// A part of a pattern, and what it stands for: one byte of these, or any number of any bytes.
struct Element {
  bool is_star = false;
  ByteSet bytes;
};

/// Behind the set that begins at `begin`; npos if nothing closes it. Source: glob(7).
std::size_t end_of_set(std::string_view pattern, std::size_t begin) {
  std::size_t at = begin + 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  for (const std::size_t first = at; at < pattern.size(); ++at) {
    if (pattern[at] == ']' && at != first) return at + 1;
    if (pattern[at] == '\\') ++at;
    if (pattern[at] != '[' || at + 1 >= pattern.size()) continue;
    const char kind = pattern[at + 1];  // As in [[:alpha:]].
    if (kind != ':' && kind != '.' && kind != '=') continue;
    const auto end = pattern.find(std::string{kind, ']'}, at + 2);
    if (end != std::string_view::npos) at = end + 1;
  }
  return std::string_view::npos;
}

std::size_t end_of_element(std::string_view pattern, std::size_t begin) {
  if (pattern[begin] == '[') {
    const auto end = end_of_set(pattern, begin);
    if (end != std::string_view::npos) return end;
    throw Error::usage(fmt::format(
        "'{}': no ']' closes the '['; the character itself is written '[[]'", printable(pattern)));
  }
  if (pattern[begin] != '\\') return begin + 1;
  if (begin + 1 < pattern.size()) return begin + 2;
  throw Error::usage(fmt::format("'{}': nothing stands behind the '\\'", printable(pattern)));
}

Element read_element(const std::string& text) {
  if (text == "*") return {.is_star = true, .bytes = {}};
  const auto is_meant = [&](char c) {
    if (text.front() == '[') return c != '\0' && matches_glob(text, std::string(1, c));
    return text == "?" ? c != '\0' : c == text.back();
  };
  const auto bytes = bytes_that(is_meant);
  if (bytes.none()) {
    throw Error::usage(fmt::format("'{}' stands for no character", printable(text)));
  }
  return {.is_star = false, .bytes = bytes};
}

std::vector<Element> read_elements(const std::string& pattern) {
  if (pattern.empty()) throw Error::usage("an empty pattern matches nothing; '*' would match all");
  if (pattern.size() > kPatternMax) {
    throw Error::usage(
        fmt::format("'{}': a pattern has at most {} bytes", printable(pattern), kPatternMax));
  }
  std::vector<Element> elements;
  for (std::size_t at = 0; at < pattern.size();) {
    const auto end = end_of_element(pattern, at);
    auto element = read_element(pattern.substr(at, end - at));
    at = end;
    // Two stars are as good as one.
    if (element.is_star && !elements.empty() && elements.back().is_star) continue;
    elements.push_back(element);
  }
  return elements;
}

class Search {
 public:
  Search(const std::vector<Element>& elements, const TextShape& shape)
      : elements_(elements), shape_(shape), tried_(elements.size() + 1) {
    for (auto& places : tried_) places.resize(shape.places.size() + 1);
  }

  std::optional<std::string> run() { return goes_on(0) ? std::optional{text_} : std::nullopt; }

 private:
  /// Whether the elements from this one on match something behind the text so far, which then is
  /// the whole text.
  bool goes_on(std::size_t element) {
    const std::size_t place = text_.size();
    if (tried_[element][place]) return false;
    tried_[element][place] = true;
    if (element == elements_.size()) return place >= shape_.least_bytes;
    const auto& [is_star, bytes] = elements_[element];
    if (is_star && goes_on(element + 1)) return true;
    if (place == shape_.places.size()) return false;
    const auto fitting = is_star ? shape_.places[place] : bytes & shape_.places[place];
    if (fitting.none()) return false;
    text_ += static_cast<char>(fitting._Find_first());
    if (goes_on(is_star ? element : element + 1)) return true;
    text_.pop_back();
    return false;
  }

  const std::vector<Element>& elements_;
  const TextShape& shape_;
  /// By element and place; what was tried there once has failed.
  std::vector<std::vector<bool>> tried_;
  std::string text_;
};
}  // namespace

bool matches_glob(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::string glob_literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    const bool is_quotable = c > ' ' && c <= '~' && c != '\'' && c != '"' && c != '\\';
    const bool is_special = c == '*' || c == '?' || c == '[' || (c == '-' && pattern.empty());
    if (!is_quotable) {
      pattern += "[!0-9A-Za-z._@-]";
    } else if (is_special) {
      pattern.append("[").append(1, c).append("]");
    } else {
      pattern += c;
    }
  }
  return pattern;
}

std::optional<std::string> example_of(const std::string& pattern, const TextShape& shape) {
  const auto elements = read_elements(pattern);
  std::size_t least = 0;
  for (const auto& element : elements) least += element.is_star ? 0 : 1;
  if (least > shape.places.size()) return std::nullopt;
  return Search(elements, shape).run();
}

}  // namespace netlend
