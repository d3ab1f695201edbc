#include "net/policy.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "oci-spec/json.hpp"

namespace netlend {

namespace {
constexpr int kFormatVersion = 1;

// Whoever can write to it could write a rule for themselves.
void check_trusted(int fd, const std::string& path) {
  struct stat status {};
  netlend::check(::fstat(fd, &status), "stat", path);
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(fmt::format(
        "'{}' belongs to user {} and has mode {:04o}, so that others could write rules; 'chown "
        "root' it and 'chmod go-w' it",
        path, status.st_uid, status.st_mode & 07777U));
  }
}

std::optional<UniqueFd> open_trusted(int parent, const std::string& name, const std::string& path,
                                     int flags) {
  // One component a call and no symlinks: what is checked is what is read.
  UniqueFd fd{::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags)};
  if (!fd.is_open()) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno(errno, "open without following symlinks", path);
  }
  check_trusted(fd.get(), path);
  return fd;
}

std::optional<UniqueFd> open_trusted_folder(const std::string& folder) {
  UniqueFd current{netlend::check(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", "/")};
  check_trusted(current.get(), "/");
  std::string path;
  for (const auto component : split_words(folder, "/")) {
    path.append("/").append(component);
    auto next = open_trusted(current.get(), std::string(component), path, O_DIRECTORY);
    if (!next) return std::nullopt;
    current = *std::move(next);
  }
  return current;
}

std::vector<PolicyRule> read_rules(int folder, const std::string& name, const std::string& path) {
  // O_NONBLOCK: a FIFO has no writer to wait for.
  const auto file = open_trusted(folder, name, path, O_NONBLOCK);
  if (!file) return {};
  try {
    return parse_policy(read_all(file->get(), JsonDocument::kBytesMax, path));
  } catch (const Error& error) {
    throw error.within(fmt::format("'{}'", path));
  }
}

std::optional<std::string> read_glob(const JsonNode& node, std::string_view key) {
  const auto member = node.find(key);
  if (!member) return std::nullopt;
  return member->text();
}

PolicyRule read_rule(const JsonNode& node) {
  node.allow_only({"device", "veth", "to", "inside", "bridge", "host_addresses"});
  const auto veth = node.find("veth");
  const bool is_pair = veth && veth->boolean();
  PolicyRule rule{.device = read_glob(node, "device"),
                  .bridge = read_glob(node, "bridge"),
                  .host_addresses = false,
                  .to = read_glob(node, "to"),
                  .inside = read_glob(node, "inside")};
  const auto host_addresses = node.find("host_addresses");
  if (host_addresses) rule.host_addresses = host_addresses->boolean();
  if (rule.device.has_value() == is_pair) {
    node.fail(R"(a rule has either "device": GLOB or "veth": true)");
  }
  if (!is_pair && (rule.bridge || host_addresses)) {
    node.fail(R"("bridge" and "host_addresses" belong to a rule with "veth": true)");
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

bool allows_pair(const PolicyRule& rule, const VethPair& pair) {
  if (!pair.host_addresses.empty() && !rule.host_addresses) return false;
  return !pair.bridge || (rule.bridge && matches_glob(*rule.bridge, pair.bridge->str()));
}

bool allows(const PolicyRule& rule, const ContainerId& borrower, const NicPlan& nic,
            const LinkState* device) {
  if (!matches(rule.to, borrower.str()) || !matches(rule.inside, nic.inside.str())) return false;
  if (device != nullptr) return rule.device && matches_device(*rule.device, *device);
  const auto* pair = std::get_if<VethPair>(&nic.source);
  return pair != nullptr && !rule.device && allows_pair(rule, *pair);
}
}  // namespace

Policy Policy::load(const std::string& folder) {
  std::vector<PolicyRule> rules;
  const auto add = [&](int parent, const std::string& name, const std::string& path) {
    auto more = read_rules(parent, name, path);
    std::move(more.begin(), more.end(), std::back_inserter(rules));
  };
  const auto root = open_trusted_folder(folder);
  if (!root) return Policy{{}};
  add(root->get(), "netlend.conf", folder + "/netlend.conf");
  const std::string parts_path = folder + "/conf.d";
  const auto parts = open_trusted(root->get(), "conf.d", parts_path, O_DIRECTORY);
  if (!parts) return Policy{std::move(rules)};
  for (const auto& name : list_names(parts->get())) {
    if (name.ends_with(".conf")) add(parts->get(), name, fmt::format("{}/{}", parts_path, name));
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
      "netlend allow '{}' --to '{}'",
      printable(wanted), borrower.str(), kDefaultFolder, printable(wanted), borrower.str()));
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
