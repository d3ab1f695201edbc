#include "oci-spec/fields.hpp"

#include <fmt/core.h>

#include "base/text.hpp"

namespace netlend::oci {

std::optional<JsonNode> find_present(const JsonNode& node, std::string_view key) {
  auto member = node.find(key);
  if (member && member->is_null()) return std::nullopt;
  return member;
}

std::string read_version(const JsonNode& root) {
  const auto node = root.at("ociVersion");
  auto version = node.text();
  if (!version.starts_with("1.")) {
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
