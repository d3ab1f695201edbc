#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci-spec/fields.hpp"

/// config.json of a bundle, as far as netlend uses it. Source: runtime-spec, config.md and
/// config-linux.md.
namespace netlend::oci {

enum class NamespaceType { pid, network, mount, ipc, uts, user, cgroup, time };

struct Namespace {
  NamespaceType type = NamespaceType::network;
  /// An absolute path; absent: a new one is made.
  std::optional<std::string> path;
  bool operator==(const Namespace&) const = default;
};

/// The object `linux`.
struct Linux {
  /// Each type at most once; a type that is missing is inherited from the runtime.
  std::vector<Namespace> namespaces;
  bool operator==(const Linux&) const = default;
};

struct Config {
  std::string oci_version;
  Annotations annotations;
  Linux linux;
  bool operator==(const Config&) const = default;
};

/// Properties that the spec doesn't name are passed over. Throws Error with a JSON pointer.
Config parse_config(std::string_view json_text);

}  // namespace netlend::oci
