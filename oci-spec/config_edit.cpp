#include "oci-spec/config_edit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "oci-spec/fields.hpp"
#include "oci-spec/json.hpp"

namespace netlend::oci {

// Engines write keys in an order that people know them by.
using nlohmann::ordered_json;

namespace {
constexpr int kHookTimeoutS = 30;

bool is_absent(const ordered_json& parent, const char* key) {
  return !parent.contains(key) || parent.at(key).is_null();
}

/// The member `key`, made if it isn't there.
ordered_json& member_of(ordered_json& parent, const std::string& pointer, const char* key,
                        const ordered_json& empty) {
  if (is_absent(parent, key)) parent[key] = empty;
  ordered_json& member = parent[key];
  if (member.type() == empty.type()) return member;
  throw Error(fmt::format("{}/{}: expected an {}, not {}", pointer, key, empty.type_name(),
                          member.type_name()));
}

std::string file_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool calls(const ordered_json& hooks, const std::string& name) {
  return std::any_of(hooks.begin(), hooks.end(), [&](const ordered_json& hook) {
    return hook.is_object() && hook.contains("path") && hook.at("path").is_string() &&
           file_name(hook.at("path").get<std::string>()) == name;
  });
}

void add_hooks(ordered_json& config, const std::string& path) {
  ordered_json& hooks = member_of(config, "", "hooks", ordered_json::object());
  for (const char* stage : {"createRuntime", "poststop"}) {
    ordered_json& list = member_of(hooks, "/hooks", stage, ordered_json::array());
    const bool is_called =
        calls(list, file_name(path)) ||
        (std::string_view(stage) == "createRuntime" && !is_absent(hooks, "prestart") &&
         calls(hooks["prestart"], file_name(path)));
    if (is_called) continue;
    list.push_back(
        {{"path", path}, {"args", ordered_json::array({path, stage})}, {"timeout", kHookTimeoutS}});
  }
}

void take_capabilities(ordered_json& config, const std::vector<std::string_view>& taken) {
  if (is_absent(config, "process") || is_absent(config["process"], "capabilities")) return;
  for (auto& [set, names] : config["process"]["capabilities"].items()) {
    if (!names.is_array()) continue;
    ordered_json kept = ordered_json::array();
    for (const auto& name : names) {
      const bool is_taken = name.is_string() && std::find(taken.begin(), taken.end(),
                                                          name.get<std::string>()) != taken.end();
      if (!is_taken) kept.push_back(name);
    }
    names = std::move(kept);
  }
}
}  // namespace

NetworkWish parse_network_wish(std::string_view json_text) {
  const JsonDocument document{json_text};
  NetworkWish wish;
  const auto linux_part = find_present(document.root(), "linux");
  if (!linux_part) return wish;
  const auto namespaces = find_present(*linux_part, "namespaces");
  for (const auto& node : namespaces ? namespaces->elements() : std::vector<JsonNode>{}) {
    if (node.at("type").text() != "network") continue;
    if (wish.has_namespace) node.fail("a second namespace of type 'network'");
    wish.has_namespace = true;
    const auto path = read_text(node, "path");
    if (!path.empty()) wish.netns_path = path;
  }
  const auto devices = find_present(*linux_part, "netDevices");
  wish.has_devices = devices && !devices->is_empty();
  const auto sysctls = find_present(*linux_part, "sysctl");
  if (!sysctls) return wish;
  for (const auto& [key, value] : sysctls->members()) {
    if (key.starts_with("net.") || key.starts_with("net/")) wish.sysctls.push_back(key);
  }
  return wish;
}

std::string change_config(std::string_view json_text, const ConfigChanges& changes) {
  check_json(json_text);
  auto config = ordered_json::parse(json_text);
  for (auto& one : config.at("linux").at("namespaces")) {
    if (one.at("type") == "network") one["path"] = changes.netns_path;
  }
  if (!is_absent(config["linux"], "sysctl")) {
    for (const auto& key : changes.sysctls) config["linux"]["sysctl"].erase(key);
  }
  take_capabilities(config, changes.capabilities);
  add_hooks(config, changes.hook_path);
  return config.dump();
}

}  // namespace netlend::oci
