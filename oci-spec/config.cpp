#include "oci-spec/config.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace netlend::oci {

namespace {
struct TypeName {
  std::string_view name;
  NamespaceType type;
};
constexpr std::array kTypeNames{
    TypeName{"pid", NamespaceType::pid},       TypeName{"network", NamespaceType::network},
    TypeName{"mount", NamespaceType::mount},   TypeName{"ipc", NamespaceType::ipc},
    TypeName{"uts", NamespaceType::uts},       TypeName{"user", NamespaceType::user},
    TypeName{"cgroup", NamespaceType::cgroup}, TypeName{"time", NamespaceType::time},
};

NamespaceType read_type(const JsonNode& node) {
  const auto text = node.text();
  const auto* found = std::find_if(kTypeNames.begin(), kTypeNames.end(),
                                   [&](const TypeName& known) { return known.name == text; });
  if (found == kTypeNames.end()) {
    node.fail(fmt::format("unknown namespace '{}'", printable(text)));
  }
  return found->type;
}

std::optional<std::string> read_path(const JsonNode& node) {
  const auto member = find_present(node, "path");
  if (!member) return std::nullopt;
  auto path = member->text();
  if (path.empty()) return std::nullopt;
  if (!path.starts_with('/')) {
    member->fail(fmt::format("'{}' is no absolute path", printable(path)));
  }
  return path;
}

std::vector<Namespace> read_namespaces(const JsonNode& node) {
  std::vector<Namespace> namespaces;
  for (const auto& element : node.elements()) {
    const Namespace entry{.type = read_type(element.at("type")), .path = read_path(element)};
    for (const auto& earlier : namespaces) {
      if (earlier.type == entry.type) element.fail("a namespace of this type is there already");
    }
    namespaces.push_back(entry);
  }
  return namespaces;
}

Linux read_linux(const JsonNode& node) {
  Linux part;
  if (const auto namespaces = find_present(node, "namespaces")) {
    part.namespaces = read_namespaces(*namespaces);
  }
  return part;
}
}  // namespace

Config parse_config(std::string_view json_text) {
  const JsonDocument document{json_text};
  const auto root = document.root();
  const auto linux_node = find_present(root, "linux");
  return Config{.oci_version = read_version(root),
                .annotations = read_annotations(root).value_or(Annotations{}),
                .linux = linux_node ? read_linux(*linux_node) : Linux{}};
}

}  // namespace netlend::oci
