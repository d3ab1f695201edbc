#include "oci-spec/config.hpp"

#include <algorithm>

#include "oci-spec/config_parts.hpp"

namespace netlend::oci {

namespace {
Root read_root(const JsonNode& node) {
  Root root{.path = node.at("path").text(), .readonly = read_flag(node, "readonly")};
  if (root.path.empty()) node.at("path").fail("is empty");
  return root;
}

std::string read_destination(const JsonNode& node) {
  auto path = node.text();
  if (path.empty()) node.fail("is empty");
  return path.starts_with('/') ? path : '/' + path;
}

std::vector<Mount> read_mounts(const JsonNode& node) {
  std::vector<Mount> mounts;
  for (const auto& element : node.elements()) {
    mounts.push_back({.destination = read_destination(element.at("destination")),
                      .type = read_text(element, "type"),
                      .source = read_text(element, "source"),
                      .options = read_texts(element, "options")});
    refuse_unsupported(element, {"uidMappings", "gidMappings"});
  }
  return mounts;
}

bool has_namespace(const Config& config, NamespaceType type) {
  const auto& all = config.linux.namespaces;
  return std::any_of(all.begin(), all.end(),
                     [&](const Namespace& one) { return one.type == type; });
}

// Without a namespace of the container's own they would change the host.
void check_namespaces(const JsonNode& root, const Config& config) {
  const bool renames = !config.hostname.empty() || !config.domainname.empty();
  if (renames && !has_namespace(config, NamespaceType::uts)) {
    root.at(config.hostname.empty() ? "domainname" : "hostname")
        .fail("needs a namespace of type 'uts' in /linux/namespaces");
  }
  if (!config.linux.network_devices.empty() && !has_namespace(config, NamespaceType::network)) {
    root.at("linux")
        .at("netDevices")
        .fail("needs a namespace of type 'network' in /linux/namespaces");
  }
  const bool covers = !config.linux.masked_paths.empty() || !config.linux.readonly_paths.empty();
  if (covers && !has_namespace(config, NamespaceType::mount)) {
    root.at("linux")
        .at(config.linux.masked_paths.empty() ? "readonlyPaths" : "maskedPaths")
        .fail("needs a namespace of type 'mount' in /linux/namespaces");
  }
}
}  // namespace

Config parse_config(std::string_view json_text) {
  const JsonDocument document{json_text};
  const auto root = document.root();
  Config config{.oci_version = read_version(root),
                .root = read_root(root.at("root")),
                .hostname = read_text(root, "hostname"),
                .domainname = read_text(root, "domainname"),
                .annotations = read_annotations(root).value_or(Annotations{})};
  if (const auto node = find_present(root, "mounts")) config.mounts = read_mounts(*node);
  if (const auto node = find_present(root, "process")) {
    config.process = read_process(*node, config.warnings);
  }
  if (const auto node = find_present(root, "hooks")) config.hooks = read_hooks(*node);
  if (const auto node = find_present(root, "linux")) config.linux = read_linux(*node);
  refuse_unsupported(root, {"freebsd", "solaris", "vm", "windows", "zos"});
  check_namespaces(root, config);
  return config;
}

Annotations parse_config_annotations(std::string_view json_text) {
  const JsonDocument document{json_text};
  read_version(document.root());
  return read_annotations(document.root()).value_or(Annotations{});
}

}  // namespace netlend::oci
