#include "oci-spec/fields.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"

namespace netlend::oci {

namespace {
bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// 1.MINOR.PATCH[-PRERELEASE][+BUILD].
bool is_version_1(std::string_view text) {
  constexpr std::string_view kLabel =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.+";
  if (!text.starts_with("1.")) return false;
  text.remove_prefix(2);
  const auto label = std::min(text.find_first_of("-+"), text.size());
  if (text.find_first_not_of(kLabel, label) != std::string_view::npos) return false;
  if (label + 1 == text.size()) return false;
  const auto numbers = text.substr(0, label);
  const auto dot = numbers.find('.');
  return dot != std::string_view::npos && is_number(numbers.substr(0, dot)) &&
         is_number(numbers.substr(dot + 1));
}
}  // namespace

std::optional<JsonNode> find_present(const JsonNode& node, std::string_view key) {
  auto member = node.find(key);
  if (member && member->is_null()) return std::nullopt;
  return member;
}

std::string read_text(const JsonNode& node, std::string_view key) {
  const auto member = find_present(node, key);
  return member ? member->text() : std::string{};
}

std::vector<std::string> read_texts(const JsonNode& node, std::string_view key) {
  std::vector<std::string> texts;
  const auto member = find_present(node, key);
  if (!member) return texts;
  for (const auto& element : member->elements()) texts.push_back(element.text());
  return texts;
}

bool read_flag(const JsonNode& node, std::string_view key) {
  const auto member = find_present(node, key);
  return member && member->boolean();
}

std::string read_absolute_path(const JsonNode& node) {
  auto path = node.text();
  if (!path.starts_with('/')) {
    node.fail(fmt::format("'{}' is no absolute path", printable(path)));
  }
  return path;
}

void refuse_unsupported(const JsonNode& node, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) {
    const auto member = node.find(key);
    if (member && !member->is_empty()) member->fail("netlend does not support this yet");
  }
}

std::string read_version(const JsonNode& root) {
  const auto node = root.at("ociVersion");
  auto version = node.text();
  if (!is_version_1(version)) {
    node.fail(
        fmt::format("'{}'; netlend knows versions 1.x of the runtime-spec", printable(version)));
  }
  return version;
}

std::optional<Annotations> read_annotations(const JsonNode& root) {
  const auto node = find_present(root, "annotations");
  if (!node) return std::nullopt;
  Annotations annotations;
  for (const auto& [key, value] : node->members()) {
    if (key.empty()) value.fail("an annotation needs a key that isn't empty");
    annotations.emplace(key, value.text());
  }
  return annotations;
}

}  // namespace netlend::oci
