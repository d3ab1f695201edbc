#include "net/policy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/policy_file.hpp"
#include "oci-spec/json.hpp"

namespace netlend {

namespace {
constexpr int kFormatVersion = 1;

std::optional<std::string> read_glob(const JsonNode& node, std::string_view key) {
  const auto member = node.find(key);
  if (!member) return std::nullopt;
  return member->text();
}

PolicyRule read_rule(const JsonNode& node) {
  node.allow_only({"device", "veth", "to", "inside", "host_name", "bridge", "host_addresses"});
  const auto veth = node.find("veth");
  const bool is_pair = veth && veth->boolean();
  PolicyRule rule{.device = read_glob(node, "device"),
                  .host_name = read_glob(node, "host_name"),
                  .bridge = read_glob(node, "bridge"),
                  .host_addresses = false,
                  .to = read_glob(node, "to"),
                  .inside = read_glob(node, "inside")};
  const auto host_addresses = node.find("host_addresses");
  if (host_addresses) rule.host_addresses = host_addresses->boolean();
  if (rule.device.has_value() == is_pair) {
    node.fail(R"(a rule has either "device": GLOB or "veth": true)");
  }
  if (!is_pair && (rule.host_name || rule.bridge || host_addresses)) {
    node.fail(R"("host_name", "bridge" and "host_addresses" belong to a rule with "veth": true)");
  }
  return rule;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool matches(const std::optional<std::string>& pattern, const std::string& text) {
  return !pattern || matches_glob(*pattern, text);
}

bool matches_device(const std::string& pattern, const LinkState& device) {
  const auto is = [&](const std::string& glob, std::string_view prefix, const std::string& text) {
    return !text.empty() &&
           (matches_glob(glob, text) || matches_glob(glob, std::string(prefix) + text));
  };
  if (is(pattern, "dev:", device.name)) return true;
  for (const auto& altname : device.altnames) {
    if (is(pattern, "alt:", altname)) return true;
  }
  const auto& mac = device.permanent_address.empty() ? device.address : device.permanent_address;
  const std::string lower = lower_case(pattern);
  if (is(lower, "mac:", format_link_address(mac))) return true;
  return device.parent_bus == "pci" && is(lower, "pci:", device.parent_device);
}

// What a pair touches at home must be named.
bool allows_name(const std::optional<std::string>& pattern,
                 const std::optional<InterfaceName>& name) {
  return !name || (pattern && matches_glob(*pattern, name->str()));
}

bool allows_pair(const PolicyRule& rule, const VethPair& pair) {
  if (!pair.host_addresses.empty() && !rule.host_addresses) return false;
  return allows_name(rule.host_name, pair.host_name) && allows_name(rule.bridge, pair.bridge);
}

bool allows(const PolicyRule& rule, const ContainerId& borrower, const NicPlan& nic,
            const LinkState* device) {
  if (!matches(rule.to, borrower.str()) || !matches(rule.inside, nic.inside.str())) return false;
  if (device != nullptr) return rule.device && matches_device(*rule.device, *device);
  const auto* pair = std::get_if<VethPair>(&nic.source);
  return pair != nullptr && !rule.device && allows_pair(rule, *pair);
}

// An annotation chose the pair's names, and whoever reads the refusal will paste this into a root
// shell: it must be one command, and allow what was asked for and nothing else.
std::string allow_command(const ContainerId& borrower, const NicPlan& nic,
                          const LinkState* device) {
  const auto glob = [](const std::optional<InterfaceName>& name) {
    return name ? glob_literal(name->str()) : std::string{};
  };
  std::string command = "netlend allow ";
  if (device != nullptr) {
    command += fmt::format("'{}'", glob_literal(device->name));
  } else {
    const auto& pair = std::get<VethPair>(nic.source);
    command += fmt::format("'veth:{}'", glob(pair.host_name));
    if (pair.bridge) command += fmt::format(" --bridge '{}'", glob(pair.bridge));
    if (!pair.host_addresses.empty()) command += " --host-addresses";
  }
  return command + fmt::format(" --to '{}'", borrower.str());
}
}  // namespace

Policy Policy::load(const std::string& folder) {
  std::vector<PolicyRule> rules;
  for (auto& file : read_policy_files(folder)) {
    std::move(file.rules.begin(), file.rules.end(), std::back_inserter(rules));
  }
  return Policy{std::move(rules)};
}

void Policy::check(const ContainerId& borrower, const NicPlan& nic, const LinkState* device) const {
  const bool allowed = std::any_of(rules_.begin(), rules_.end(), [&](const PolicyRule& rule) {
    return allows(rule, borrower, nic, device);
  });
  if (allowed) return;
  const std::string wanted = device != nullptr ? device->name : describe_source(nic);
  throw Error(fmt::format(
      "lend '{}' to container '{}': no rule in {} lets an annotation ask for it; if it may, type: "
      "{}",
      printable(wanted), borrower.str(), kDefaultFolder, allow_command(borrower, nic, device)));
}

std::vector<PolicyRule> parse_policy(std::string_view json_text) {
  const JsonDocument document{json_text, JsonComments::ignored};
  const auto root = document.root();
  root.allow_only({"netlend", "allow"});
  const auto version = root.at("netlend");
  if (version.number(0, INT64_MAX) != kFormatVersion) {
    version.fail(fmt::format("this netlend reads version {}", kFormatVersion));
  }
  std::vector<PolicyRule> rules;
  if (const auto allow = root.find("allow")) {
    for (const auto& node : allow->elements()) rules.push_back(read_rule(node));
  }
  return rules;
}

}  // namespace netlend
