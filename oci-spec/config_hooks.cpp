#include <limits>

#include "oci-spec/config_parts.hpp"

namespace netlend::oci {

namespace {
std::optional<int> read_timeout(const JsonNode& hook) {
  const auto node = find_present(hook, "timeout");
  if (!node) return std::nullopt;
  return static_cast<int>(node->number(1, std::numeric_limits<int>::max()));
}

std::vector<Hook> read_stage(const JsonNode& hooks, std::string_view stage) {
  std::vector<Hook> list;
  const auto node = find_present(hooks, stage);
  if (!node) return list;
  for (const auto& element : node->elements()) {
    list.push_back({.path = read_absolute_path(element.at("path")),
                    .args = read_texts(element, "args"),
                    .env = read_texts(element, "env"),
                    .timeout_s = read_timeout(element)});
  }
  return list;
}
}  // namespace

Hooks read_hooks(const JsonNode& node) {
  return {.prestart = read_stage(node, "prestart"),
          .create_runtime = read_stage(node, "createRuntime"),
          .create_container = read_stage(node, "createContainer"),
          .start_container = read_stage(node, "startContainer"),
          .poststart = read_stage(node, "poststart"),
          .poststop = read_stage(node, "poststop")};
}

}  // namespace netlend::oci
