#include "oci-spec/config.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"

namespace netlend::fuzz {

namespace {
// In the order of oci::NamespaceType.
constexpr std::array kTypes{"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"};

std::string write_config(const oci::Config& config) {
  auto namespaces = nlohmann::json::array();
  for (const auto& entry : config.linux.namespaces) {
    nlohmann::json object{{"type", kTypes.at(static_cast<std::size_t>(entry.type))}};
    if (entry.path) object["path"] = *entry.path;
    namespaces.push_back(object);
  }
  return nlohmann::json{{"ociVersion", config.oci_version},
                        {"annotations", config.annotations},
                        {"linux", {{"namespaces", namespaces}}}}
      .dump();
}
}  // namespace

/// config.json of a bundle.
void config(std::string_view input) {
  const auto config = accepted([&] { return oci::parse_config(input); });
  if (!config) return;
  std::set<oci::NamespaceType> types;
  for (const auto& entry : config->linux.namespaces) {
    require(types.insert(entry.type).second, "a type of namespace is there once");
    require(!entry.path || entry.path->starts_with('/'), "a namespace has an absolute path");
  }
  const auto again = accepted([&] { return oci::parse_config(write_config(*config)); });
  require(again && *again == *config, "a config is read as it was written");
}

}  // namespace netlend::fuzz
