#include "oci-spec/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"

namespace netlend {

using nlohmann::json;

namespace {
[[noreturn]] void throw_at(std::string_view pointer, std::string_view why) {
  throw Error(fmt::format("{}: {}", pointer.empty() ? "top level" : printable(pointer), why));
}

std::string child_pointer(const std::string& parent, std::string_view key) {
  std::string pointer = parent + '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

// Walks a document without building it, and stops at what the building parser would fall over or
// pass over: deep nesting, and members that are there twice (it keeps the last). nlohmann's own
// hook for this, the parse callback, is quadratic in the number of siblings.
class Inspector : public nlohmann::json_sax<json> {
 public:
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }

  bool start_object(std::size_t) override { return open(Level{}); }
  bool start_array(std::size_t) override { return open(Level{.next_index = 0}); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    levels_.back().key = name;
    if (!levels_.back().seen.insert(name).second) throw_at(pointer(), "is there twice");
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& ex) override {
    const std::string_view text = ex.what();
    const auto tag_end = text.find("] ");  // "[json.exception.parse_error.101] "
    throw Error(printable(tag_end == std::string_view::npos ? text : text.substr(tag_end + 2)));
  }

 private:
  struct Level {
    std::set<std::string> seen = {};
    std::string key = {};
    /// Only an array has one.
    std::optional<std::size_t> next_index = {};
  };

  bool value() {
    if (!levels_.empty() && levels_.back().next_index) ++*levels_.back().next_index;
    return true;
  }

  bool open(Level level) {
    value();
    if (levels_.size() == JsonDocument::kDepthMax) {
      throw_at(pointer(), fmt::format("nested more than {} deep", JsonDocument::kDepthMax));
    }
    levels_.push_back(std::move(level));
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  std::string pointer() const {
    std::string path;
    for (const auto& level : levels_) {
      path =
          child_pointer(path, level.next_index ? std::to_string(*level.next_index - 1) : level.key);
    }
    return path;
  }

  std::vector<Level> levels_;
};

void check_bytes(std::string_view text) {
  // nlohmann's lexer takes a NUL for the end, and would let anything stand behind it.
  if (text.find('\0') != std::string_view::npos) throw Error("a NUL byte, which JSON can't hold");
  if (text.starts_with("\xef\xbb\xbf")) {
    throw Error("begins with a byte order mark; save it as UTF-8 without one");
  }
}
}  // namespace

void check_json(std::string_view text, JsonComments comments) {
  check_bytes(text);
  Inspector inspector;
  json::sax_parse(text, &inspector, json::input_format_t::json, true,
                  comments == JsonComments::ignored);
}

JsonNode::JsonNode(const json& value, std::string pointer)
    : value_(&value), pointer_(std::move(pointer)) {}

void JsonNode::fail(std::string_view why) const { throw_at(pointer_, why); }

void JsonNode::fail_kind(std::string_view wanted) const {
  fail(fmt::format("expected {}, not {}", wanted, value_->type_name()));
}

bool JsonNode::is_null() const { return value_->is_null(); }

bool JsonNode::is_text() const { return value_->is_string(); }

bool JsonNode::is_empty() const {
  return value_->is_string() ? value_->get_ref<const std::string&>().empty() : value_->empty();
}

std::string_view JsonNode::text_view() const {
  if (!value_->is_string()) fail_kind("a string");
  const auto& text = value_->get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) fail("a NUL in a string");
  return text;
}

std::string JsonNode::text() const { return std::string(text_view()); }

void JsonNode::check_whole() const {
  if (value_->is_number_float()) {
    fail(fmt::format("expected a whole number, not {}", value_->dump()));
  }
  if (!value_->is_number_integer()) fail_kind("a whole number");
}

std::int64_t JsonNode::number(std::int64_t min, std::int64_t max) const {
  check_whole();
  // What doesn't fit into 64 signed bits is above every `max`.
  const bool huge = value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT64_MAX;
  const std::int64_t number = huge ? INT64_MAX : value_->get<std::int64_t>();
  if (huge || number < min || number > max) {
    fail(fmt::format("{} is not within {} and {}", value_->dump(), min, max));
  }
  return number;
}

std::uint64_t JsonNode::unsigned_number() const {
  check_whole();
  if (!value_->is_number_unsigned()) fail(fmt::format("{} is below 0", value_->dump()));
  return value_->get<std::uint64_t>();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) fail_kind("true or false");
  return value_->get<bool>();
}

std::vector<JsonNode> JsonNode::elements() const {
  if (!value_->is_array()) fail_kind("an array");
  std::vector<JsonNode> nodes;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    nodes.emplace_back((*value_)[i], child_pointer(pointer_, std::to_string(i)));
  }
  return nodes;
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
  if (!value_->is_object()) fail_kind("an object");
  std::vector<std::pair<std::string, JsonNode>> nodes;
  for (const auto& [key, value] : value_->items()) {
    nodes.emplace_back(key, JsonNode{value, child_pointer(pointer_, key)});
  }
  return nodes;
}

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
  if (!value_->is_object()) fail_kind("an object");
  const auto found = value_->find(key);
  if (found == value_->end()) return std::nullopt;
  return JsonNode{*found, child_pointer(pointer_, key)};
}

JsonNode JsonNode::at(std::string_view key) const {
  auto node = find(key);
  if (!node) throw_at(child_pointer(pointer_, key), "is missing");
  return *std::move(node);
}

void JsonNode::allow_only(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, member] : members()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      member.fail(fmt::format("unknown; known are '{}'", fmt::join(known, "', '")));
    }
  }
}

JsonDocument::JsonDocument(std::string_view text, JsonComments comments) {
  if (text.size() > kBytesMax) {
    throw Error(fmt::format("more than {} bytes of JSON", kBytesMax));
  }
  check_json(text, comments);
  value_ = std::make_unique<const json>(
      json::parse(text, nullptr, true, comments == JsonComments::ignored));
}

JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

JsonNode JsonDocument::root() const { return {*value_, {}}; }

}  // namespace netlend
