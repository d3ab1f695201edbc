#include "oci-hook/address_checks.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/inject.hpp"
#include "oci-spec/json.hpp"

namespace netlend {

namespace {
std::optional<JsonNode> find(const JsonDocument& document, std::string_view folder,
                             std::string_view key) {
  const auto node = document.root().find(folder);
  return node && !node->is_null() ? node->find(key) : std::nullopt;
}

bool lets_all_pass(const std::string& action) {
  return action == "SCMP_ACT_ALLOW" || action == "SCMP_ACT_LOG";
}
}  // namespace

void check_capabilities(std::string_view config_text, const ContainerId& id) {
  const JsonDocument document{config_text};
  const auto capabilities = find(document, "process", "capabilities");
  if (!capabilities || capabilities->is_null()) return;
  for (const auto& [set, names] : capabilities->members()) {
    if (names.is_null()) continue;
    for (const auto& node : names.elements()) {
      const auto name = node.text();
      const auto& lost = kCapabilitiesOverNetwork;
      if (std::find(lost.begin(), lost.end(), name) == lost.end()) continue;
      throw Error(
          fmt::format("container '{}' keeps {}, and no address is lent to one that does; run it "
                      "with --cap-drop {} and not --privileged",
                      id.str(), name, name.substr(std::string_view{"CAP_"}.size())));
    }
  }
}

std::optional<std::string> why_not_confined(std::string_view config_text, const ContainerId& id) {
  const JsonDocument document{config_text};
  const auto profile = find(document, "linux", "seccomp");
  if (profile && !profile->is_null() && !lets_all_pass(profile->at("defaultAction").text())) {
    return std::nullopt;
  }
  return fmt::format(
      "container '{}' has {}: it gets no other address by that, but it can make network namespaces "
      "that it administers; run it with the engine's own profile",
      id.str(),
      profile ? "a seccomp profile that lets pass what it doesn't name"
              : "no seccomp "
                "profile");
}

}  // namespace netlend
