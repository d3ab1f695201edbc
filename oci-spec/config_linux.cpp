#include <fmt/core.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "oci-spec/config_parts.hpp"

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

struct PropagationName {
  std::string_view name;
  unsigned long flags;
};
// The recursive ones are not in the spec, but engines write them and runc takes them.
constexpr std::array kPropagationNames{
    PropagationName{"shared", MS_SHARED},
    PropagationName{"rshared", MS_SHARED | MS_REC},
    PropagationName{"slave", MS_SLAVE},
    PropagationName{"rslave", MS_SLAVE | MS_REC},
    PropagationName{"private", MS_PRIVATE},
    PropagationName{"rprivate", MS_PRIVATE | MS_REC},
    PropagationName{"unbindable", MS_UNBINDABLE},
    PropagationName{"runbindable", MS_UNBINDABLE | MS_REC},
};

NamespaceType read_type(const JsonNode& node) {
  const auto text = node.text();
  const auto* const found = std::find_if(kTypeNames.begin(), kTypeNames.end(),
                                         [&](const TypeName& known) { return known.name == text; });
  if (found == kTypeNames.end()) {
    node.fail(fmt::format("unknown namespace '{}'", printable(text)));
  }
  if (found->type == NamespaceType::user) node.fail("netlend does not support this yet");
  return found->type;
}

// Go programs write an empty one where there is none.
std::optional<std::string> read_path(const JsonNode& node) {
  const auto member = find_present(node, "path");
  if (!member || member->is_empty()) return std::nullopt;
  return read_absolute_path(*member);
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

std::optional<unsigned long> read_propagation(const JsonNode& linux_node) {
  const auto node = find_present(linux_node, "rootfsPropagation");
  if (!node || node->is_empty()) return std::nullopt;
  const auto text = node->text();
  const auto* const found =
      std::find_if(kPropagationNames.begin(), kPropagationNames.end(),
                   [&](const PropagationName& known) { return known.name == text; });
  if (found == kPropagationNames.end()) {
    node->fail(fmt::format(
        "unknown propagation '{}'; known are 'shared', 'slave', 'private' and 'unbindable'",
        printable(text)));
  }
  return found->flags;
}

// "/" would be the machine's own group, and ".." leads out of where relative ones are.
std::optional<std::string> read_cgroups_path(const JsonNode& linux_node) {
  const auto node = find_present(linux_node, "cgroupsPath");
  if (!node || node->is_empty()) return std::nullopt;
  const auto text = node->text();
  const auto names = split_words(text, "/");
  const bool is_plain = std::none_of(names.begin(), names.end(), [](std::string_view name) {
    return name == "." || name == "..";
  });
  if (names.empty() || !is_plain) {
    node->fail(fmt::format("'{}' names no cgroup; '.' and '..' are not followed", printable(text)));
  }
  return text;
}

std::vector<std::string> read_absolute_paths(const JsonNode& linux_node, std::string_view key) {
  std::vector<std::string> paths;
  const auto list = find_present(linux_node, key);
  if (!list) return paths;
  for (const auto& node : list->elements()) paths.push_back(read_absolute_path(node));
  return paths;
}

std::vector<NetworkDevice> read_network_devices(const JsonNode& linux_node) {
  std::vector<NetworkDevice> devices;
  const auto map = find_present(linux_node, "netDevices");
  if (!map || map->is_empty()) return devices;
  for (const auto& [name, node] : map->members()) {
    if (name.empty()) node.fail("a device without a name");
    devices.push_back({.name = name, .name_inside = read_text(node, "name")});
  }
  return devices;
}

Resources read_resources(const JsonNode& node) {
  refuse_unsupported(
      node, {"blockIO", "cpu", "hugepageLimits", "memory", "network", "pids", "rdma", "unified"});
  return {.devices = read_device_rules(node)};
}
}  // namespace

Linux read_linux(const JsonNode& node) {
  refuse_unsupported(node, {"gidMappings", "intelRdt", "memoryPolicy", "mountLabel", "personality",
                            "seccomp", "sysctl", "timeOffsets", "uidMappings"});
  Linux part{.devices = read_devices(node),
             .cgroups_path = read_cgroups_path(node),
             .rootfs_propagation = read_propagation(node),
             .masked_paths = read_absolute_paths(node, "maskedPaths"),
             .readonly_paths = read_absolute_paths(node, "readonlyPaths"),
             .network_devices = read_network_devices(node)};
  if (const auto namespaces = find_present(node, "namespaces")) {
    part.namespaces = read_namespaces(*namespaces);
  }
  if (const auto resources = find_present(node, "resources")) {
    part.resources = read_resources(*resources);
  }
  return part;
}

}  // namespace netlend::oci
