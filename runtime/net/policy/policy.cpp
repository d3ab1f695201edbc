#include "net/policy/policy.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/glob.hpp"
#include "base/text.hpp"
#include "net/policy/policy_file.hpp"
#include "net/policy/policy_pattern.hpp"
#include "oci-spec/json.hpp"

namespace netlend {

namespace {
constexpr int kFormatVersion = 1;

using PatternCheck = void (*)(const std::string& pattern);

std::optional<std::string> read_glob(const JsonNode& node, std::string_view key,
                                     PatternCheck check) {
  const auto member = node.find(key);
  if (!member) return std::nullopt;
  auto pattern = member->text();
  try {
    check(pattern);
  } catch (const Error& error) {
    member->fail(error.what());
  }
  return pattern;
}

std::vector<IpPrefix> read_prefixes(const JsonNode& node) {
  std::vector<IpPrefix> prefixes;
  for (const auto& element : node.elements()) {
    const auto prefix = element.as<IpPrefix>();
    try {
      check_allowed_prefix(prefix);
    } catch (const Error& error) {
      element.fail(error.what());
    }
    prefixes.push_back(prefix);
  }
  return sorted_once(std::move(prefixes));
}

bool read_flag(const JsonNode& node, std::string_view key) {
  const auto member = node.find(key);
  return member && member->boolean();
}

PolicyRule read_rule(const JsonNode& node) {
  node.allow_only({"device", "veth", "to", "cgroup", "bundle", "inside", "addresses",
                   "keep_addresses", "host_name", "bridge", "host_addresses", "l3"});
  const bool is_pair = read_flag(node, "veth");
  PolicyRule rule{.device = read_glob(node, "device", check_device_pattern),
                  .host_name = read_glob(node, "host_name", check_name_pattern),
                  .bridge = read_glob(node, "bridge", check_name_pattern),
                  .host_addresses = read_flag(node, "host_addresses"),
                  .to = read_glob(node, "to", check_container_pattern),
                  .cgroup = read_glob(node, "cgroup", check_path_pattern),
                  .bundle = read_glob(node, "bundle", check_path_pattern),
                  .inside = read_glob(node, "inside", check_name_pattern),
                  .addresses = {},
                  .keep_addresses = read_flag(node, "keep_addresses"),
                  .lends_addresses = read_flag(node, "l3")};
  if (const auto addresses = node.find("addresses")) rule.addresses = read_prefixes(*addresses);
  if ((rule.device ? 1 : 0) + (is_pair ? 1 : 0) + (rule.lends_addresses ? 1 : 0) != 1) {
    node.fail(R"(a rule has either "device": GLOB, "veth": true or "l3": true)");
  }
  if (rule.lends_addresses && !rule.addresses) {
    node.fail(R"(a rule with "l3": true names the "addresses" that may be lent)");
  }
  if (!is_pair && (rule.host_name || rule.bridge || node.find("host_addresses"))) {
    node.fail(R"("host_name", "bridge" and "host_addresses" belong to a rule with "veth": true)");
  }
  if (node.find("keep_addresses") && (!rule.device || !rule.addresses)) {
    node.fail(R"("keep_addresses" belongs to a rule for devices with "addresses")");
  }
  return rule;
}

bool matches(const std::optional<std::string>& pattern, const std::string& text) {
  return !pattern || matches_glob(*pattern, text);
}

// A fact that isn't known matches no pattern.
bool matches_fact(const std::optional<std::string>& pattern,
                  const std::optional<std::string>& fact) {
  return !pattern || (fact && matches_glob(*pattern, *fact));
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
  return (!nic.keep_addresses || rule.keep_addresses) &&
         std::all_of(nic.addresses.begin(), nic.addresses.end(), [&](const IpPrefix& wanted) {
           return std::any_of(
               rule.addresses->begin(), rule.addresses->end(),
               [&](const IpPrefix& prefix) { return prefix.contains(wanted.address()); });
         });
}

bool allows_device(const PolicyRule& rule, const WantedDevice& request) {
  if (!matches(rule.inside, request.nic.inside.str())) return false;
  if (request.device != nullptr) {
    return rule.device && matches_device(*rule.device, *request.device, request.driver);
  }
  const auto* pair = std::get_if<VethPair>(&request.nic.source);
  return pair != nullptr && !rule.device && !rule.lends_addresses && allows_pair(rule, *pair);
}

/// How near a rule comes to allowing what is asked for, the best last.
enum class Nearness { no_rule, other_place, other_addresses, allowed };

Nearness nearness(const PolicyRule& rule, const Asker& asker, const WantedDevice& request) {
  if (!matches(rule.to, asker.id.str()) || !allows_device(rule, request)) return Nearness::no_rule;
  if (!matches_fact(rule.cgroup, asker.cgroup) || !matches_fact(rule.bundle, asker.bundle)) {
    return Nearness::other_place;
  }
  return allows_addresses(rule, request.nic) ? Nearness::allowed : Nearness::other_addresses;
}

std::string glob_of(const std::optional<InterfaceName>& name) {
  return name ? glob_literal(name->str()) : std::string{};
}

std::string address_options(const NicPlan& nic) {
  std::string options = nic.addresses.empty() ? " --address none" : "";
  for (const auto& wanted : nic.addresses) {
    options += fmt::format(" --address {}/{}", wanted.address().str(), wanted.address().bits());
  }
  return options + (nic.keep_addresses ? " --keep-addresses" : "");
}

// The ids in it are others for the next container, or pod.
std::string glob_of_cgroup(std::string_view cgroup) {
  const auto id = find_made_up_id(cgroup);
  if (id == cgroup.size()) return glob_literal(cgroup);
  return glob_literal(cgroup.substr(0, id)) + '*' +
         glob_of_cgroup(cgroup.substr(id + ContainerId::kMadeUpDigits));
}

// The next container has another id that was made up; its place in the cgroups is the same.
std::string asker_options(const Asker& asker) {
  if (!asker.id.is_made_up()) return fmt::format(" --to '{}'", asker.id.str());
  return asker.cgroup ? fmt::format(" --cgroup '{}'", glob_of_cgroup(*asker.cgroup)) : "";
}

// An annotation chose the names, and whoever reads the refusal will paste this into a root shell:
// it must be one command, and allow what was asked for and nothing else.
std::string allow_command(const Asker& asker, const WantedDevice& request) {
  std::string command = "netlend allow ";
  if (request.device != nullptr) {
    // A device can be called like an IP address, and only so it isn't taken for one.
    command += fmt::format("'{}{}'", is_ip_address(request.device->name) ? "dev:" : "",
                           glob_literal(request.device->name));
  } else {
    const auto& pair = std::get<VethPair>(request.nic.source);
    command += fmt::format("'veth:{}'", glob_of(pair.host_name));
    if (pair.bridge) command += fmt::format(" --bridge '{}'", glob_of(pair.bridge));
    if (!pair.host_addresses.empty()) command += " --host-addresses";
  }
  return command + asker_options(asker) +
         fmt::format(" --inside '{}'", glob_of(request.nic.inside)) + address_options(request.nic);
}

/// What is told of all that isn't allowed, one after the other.
struct Refusals {
  std::string names;
  std::string commands;
  std::size_t count = 0;
  /// Of the one that is farthest from being allowed.
  Nearness nearness = Nearness::allowed;
};

void add_refusal(Refusals& refusals, const Asker& asker, const WantedDevice& request) {
  const std::string name =
      request.device != nullptr ? request.device->name : describe_source(request.nic);
  const bool is_first = refusals.count++ == 0;
  refusals.names += fmt::format("{}'{}'", is_first ? "" : ", ", printable(name));
  refusals.commands += (is_first ? "" : "; ") + allow_command(asker, request);
}

std::string name_place(const Asker& asker) {
  return fmt::format(
      " from cgroup {} and bundle {}",
      asker.cgroup ? fmt::format("'{}'", printable(*asker.cgroup)) : "(none of its own)",
      asker.bundle ? fmt::format("'{}'", printable(*asker.bundle)) : "(none)");
}

std::string how_it_was_asked(Nearness nearness, const Asker& asker) {
  switch (nearness) {
    case Nearness::other_addresses:
      return " with these addresses";
    case Nearness::other_place:
      return name_place(asker);
    case Nearness::no_rule:
    case Nearness::allowed:
      break;
  }
  return {};
}
}  // namespace

void Policy::check(const Asker& asker, const std::vector<WantedDevice>& requests) const {
  Refusals refusals;
  for (const auto& request : requests) {
    auto nearest = Nearness::no_rule;
    for (const auto& rule : rules_) nearest = std::max(nearest, nearness(rule, asker, request));
    if (nearest == Nearness::allowed) continue;
    add_refusal(refusals, asker, request);
    refusals.nearness = std::min(refusals.nearness, nearest);
  }
  if (refusals.count == 0) return;
  throw Error(fmt::format(
      "lend {} to container '{}': no rule in {} lets an annotation ask for {}{}; if it may, type: "
      "{}",
      refusals.names, asker.id.str(), kConfigurationFolder, refusals.count == 1 ? "it" : "them",
      how_it_was_asked(refusals.nearness, asker), refusals.commands));
}

namespace {
bool allows_lending(const PolicyRule& rule, const Asker& asker, const AddressPlan& plan,
                    const IpAddress& address) {
  return rule.lends_addresses && matches(rule.to, asker.id.str()) &&
         matches_fact(rule.cgroup, asker.cgroup) && matches_fact(rule.bundle, asker.bundle) &&
         matches(rule.inside, plan.inside.str()) &&
         std::any_of(rule.addresses->begin(), rule.addresses->end(),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}
}  // namespace

void Policy::check_addresses(const Asker& asker, const std::vector<AddressPlan>& requests) const {
  std::string names;
  std::string commands;
  for (const auto& plan : requests) {
    for (const auto& address : plan.addresses) {
      const bool is_allowed = std::any_of(rules_.begin(), rules_.end(), [&](const auto& rule) {
        return allows_lending(rule, asker, plan, address);
      });
      if (is_allowed) continue;
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", address.str());
      commands += fmt::format("{}netlend allow {}{} --inside '{}'", commands.empty() ? "" : "; ",
                              address.str(), asker_options(asker), glob_of(plan.inside));
    }
  }
  if (names.empty()) return;
  throw Error(
      fmt::format("lend {} to container '{}': no rule in {} lets an annotation ask for that{}; if "
                  "it may, type: {}",
                  names, asker.id.str(), kConfigurationFolder, name_place(asker), commands));
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
