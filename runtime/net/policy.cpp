#include "net/policy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/glob.hpp"
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

std::vector<IpPrefix> read_prefixes(const JsonNode& node) {
  std::vector<IpPrefix> prefixes;
  for (const auto& element : node.elements()) {
    auto prefix = element.as<IpPrefix>();
    if (prefix.has_host_bits()) {
      element.fail(fmt::format("has host bits; the prefix is {}", prefix.network().str()));
    }
    prefixes.push_back(prefix);
  }
  return prefixes;
}

PolicyRule read_rule(const JsonNode& node) {
  node.allow_only(
      {"device", "veth", "to", "inside", "addresses", "host_name", "bridge", "host_addresses"});
  const auto veth = node.find("veth");
  const bool is_pair = veth && veth->boolean();
  PolicyRule rule{.device = read_glob(node, "device"),
                  .host_name = read_glob(node, "host_name"),
                  .bridge = read_glob(node, "bridge"),
                  .host_addresses = false,
                  .to = read_glob(node, "to"),
                  .inside = read_glob(node, "inside"),
                  .addresses = {}};
  if (const auto addresses = node.find("addresses")) rule.addresses = read_prefixes(*addresses);
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

bool matches_device(const std::string& pattern, const LinkState& device,
                    const std::string& driver) {
  constexpr std::string_view kDriver = "driver:";
  const auto is = [&](const std::string& glob, std::string_view prefix, const std::string& text) {
    return !text.empty() &&
           (matches_glob(glob, text) || matches_glob(glob, std::string(prefix) + text));
  };
  if (pattern.starts_with(kDriver)) {
    return !driver.empty() && matches_glob(pattern.substr(kDriver.size()), driver);
  }
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

bool allows_addresses(const PolicyRule& rule, const NicPlan& nic) {
  if (!rule.addresses) return true;
  return !nic.keep_addresses &&
         std::all_of(nic.addresses.begin(), nic.addresses.end(), [&](const IpPrefix& wanted) {
           return std::any_of(
               rule.addresses->begin(), rule.addresses->end(),
               [&](const IpPrefix& prefix) { return prefix.contains(wanted.address()); });
         });
}

/// What an annotation asks for.
struct Request {
  const ContainerId& borrower;
  const NicPlan& nic;
  const LinkState* device;
  const std::string& driver;
};

bool allows_all_but_addresses(const PolicyRule& rule, const Request& request) {
  if (!matches(rule.to, request.borrower.str())) return false;
  if (!matches(rule.inside, request.nic.inside.str())) return false;
  if (request.device != nullptr) {
    return rule.device && matches_device(*rule.device, *request.device, request.driver);
  }
  const auto* pair = std::get_if<VethPair>(&request.nic.source);
  return pair != nullptr && !rule.device && allows_pair(rule, *pair);
}

std::string glob_of(const std::optional<InterfaceName>& name) {
  return name ? glob_literal(name->str()) : std::string{};
}

// podman, docker and containerd make up an ID for each container: the next one has another.
bool is_made_up(const std::string& id) {
  constexpr std::size_t kDigits = 64;
  return id.size() == kDigits && from_hex(id);
}

std::string address_options(const NicPlan& nic) {
  if (nic.keep_addresses) return {};
  std::string options;
  for (const auto& wanted : nic.addresses) {
    options += fmt::format(" --address {}/{}", wanted.address().str(), wanted.address().bits());
  }
  return options;
}

enum class Addresses { any, these };

// An annotation chose the names, and whoever reads the refusal will paste this into a root shell:
// it must be one command, and allow what was asked for and nothing else.
std::string allow_command(const Request& request, Addresses addresses) {
  std::string command = "netlend allow ";
  if (request.device != nullptr) {
    command += fmt::format("'{}'", glob_literal(request.device->name));
  } else {
    const auto& pair = std::get<VethPair>(request.nic.source);
    command += fmt::format("'veth:{}'", glob_of(pair.host_name));
    if (pair.bridge) command += fmt::format(" --bridge '{}'", glob_of(pair.bridge));
    if (!pair.host_addresses.empty()) command += " --host-addresses";
  }
  if (is_made_up(request.borrower.str())) {
    return command + fmt::format(" --inside '{}'", glob_of(request.nic.inside)) +
           address_options(request.nic);
  }
  if (addresses == Addresses::these) command += address_options(request.nic);
  return command + fmt::format(" --to '{}'", request.borrower.str());
}
}  // namespace

void Policy::check(const ContainerId& borrower, const NicPlan& nic, const LinkState* device,
                   const std::string& driver) const {
  const Request request{.borrower = borrower, .nic = nic, .device = device, .driver = driver};
  // Where only the addresses were too many, the command isn't to do away with the limit to them.
  auto addresses = Addresses::any;
  for (const auto& rule : rules_) {
    if (!allows_all_but_addresses(rule, request)) continue;
    if (allows_addresses(rule, nic)) return;
    addresses = Addresses::these;
  }
  const std::string wanted = device != nullptr ? device->name : describe_source(nic);
  throw Error(fmt::format(
      "lend '{}' to container '{}': no rule in {} lets an annotation ask for it{}; if it may, "
      "type: {}",
      printable(wanted), borrower.str(), kConfigurationFolder,
      addresses == Addresses::these ? " with these addresses" : "",
      allow_command(request, addresses)));
}

ConfigurationPart parse_configuration(std::string_view json_text) {
  const JsonDocument document{json_text, JsonComments::ignored};
  const auto root = document.root();
  root.allow_only({"netlend", "guardian", "allow"});
  const auto version = root.at("netlend");
  if (version.number(0, INT64_MAX) != kFormatVersion) {
    version.fail(fmt::format("this netlend reads version {}", kFormatVersion));
  }
  ConfigurationPart part;
  if (const auto guardian = root.find("guardian")) part.guardian = guardian->boolean();
  if (const auto allow = root.find("allow")) {
    for (const auto& node : allow->elements()) part.rules.push_back(read_rule(node));
  }
  return part;
}

Configuration load_configuration(const std::string& folder) {
  std::vector<PolicyRule> rules;
  Settings settings;
  for (auto& [path, part] : read_policy_files(folder)) {
    std::move(part.rules.begin(), part.rules.end(), std::back_inserter(rules));
    settings.guardian = part.guardian.value_or(settings.guardian);
  }
  return {.policy = Policy{std::move(rules)}, .settings = settings};
}

}  // namespace netlend
