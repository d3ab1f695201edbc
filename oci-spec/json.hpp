#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace netlend {

/// One value of a JSON document and the JSON pointer (RFC 6901) that leads to it. Every query
/// throws Error "/the/pointer: what is wrong" where the value is not of the kind asked for. Lives
/// no longer than its document.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string pointer);

  /// Empty for the top level.
  const std::string& pointer() const noexcept { return pointer_; }
  [[noreturn]] void fail(std::string_view why) const;

  bool is_null() const;
  bool is_text() const;
  /// Null, or an array, object or string with nothing in it.
  bool is_empty() const;
  /// A string without NUL, which would end it early wherever it is handed to the kernel.
  std::string text() const;
  /// A whole number; "7.0" is none.
  std::int64_t number(std::int64_t min, std::int64_t max) const;
  /// A whole number of 64 bits without sign, which number() can't hold.
  std::uint64_t unsigned_number() const;
  bool boolean() const;
  std::vector<JsonNode> elements() const;
  /// In the order of their keys.
  std::vector<std::pair<std::string, JsonNode>> members() const;

  /// The member `key` of this object, if it has one.
  std::optional<JsonNode> find(std::string_view key) const;
  /// The member `key`; its absence is an Error.
  JsonNode at(std::string_view key) const;
  /// Refuses members that are none of `known`, and names these.
  void allow_only(std::initializer_list<std::string_view> known) const;

  /// A value made from this string, with the pointer in front of its constructor's Error.
  template <typename Value>
  Value as() const {
    const std::string_view text = text_view();
    try {
      return Value{text};
    } catch (const Error& error) {
      fail(error.what());
    }
  }

 private:
  std::string_view text_view() const;
  [[noreturn]] void fail_kind(std::string_view wanted) const;
  void check_whole() const;

  const nlohmann::json* value_;
  std::string pointer_;
};

enum class JsonComments { refused, ignored };

/// Throws Error, where possible with a JSON pointer, for bad JSON (RFC 8259) and for what parsers
/// disagree on or fall over: deeper nesting than JsonDocument::kDepthMax, NUL, byte order mark, a
/// member twice. What it takes can be given to nlohmann's recursive functions.
void check_json(std::string_view text, JsonComments comments = JsonComments::refused);

/// A JSON document that a stranger wrote.
class JsonDocument {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{1} << 20;
  static constexpr std::size_t kDepthMax = 32;

  /// Throws Error for more than kBytesMax, and as check_json().
  explicit JsonDocument(std::string_view text, JsonComments comments = JsonComments::refused);
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  JsonNode root() const;

 private:
  std::unique_ptr<const nlohmann::json> value_;
};

}  // namespace netlend
