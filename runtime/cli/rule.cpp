#include "cli/rule.hpp"

#include <fmt/core.h>

#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/policy/policy_pattern.hpp"

namespace netlend::cli {

namespace {
constexpr std::string_view kPairPrefix = "veth:";

/// What a check says of a word, behind the word's name.
template <typename Check>
void check_word(std::string_view name, Check check) {
  try {
    check();
  } catch (const Error& error) {
    throw error.within(name);
  }
}

using PatternCheck = void (*)(const std::string& pattern);

void check_pattern(std::string_view name, PatternCheck check,
                   const std::optional<std::string>& pattern) {
  if (pattern) check_word(name, [&] { check(*pattern); });
}

/// "192.0.2.*" would be a pattern for names of devices, which nobody means by it.
void refuse_meant_as_address(const std::string& device) {
  const bool is_meant = device.find('.') != std::string::npos &&
                        device.find_first_of("0123456789") == 0 &&
                        device.find_first_not_of("0123456789.*?/") == std::string::npos;
  if (!is_meant) return;
  throw Error::usage(fmt::format(
      "'{0}' is not an IP address; several are written as in 192.0.2.0/24, and a device of that "
      "name as 'dev:{0}'",
      device));
}

void check_device(const RuleArguments& arguments) {
  if (arguments.bridge || arguments.host_addresses) {
    throw Error::usage(
        fmt::format("--bridge and --host-addresses are for pairs, which are made; '{}' is there "
                    "already, pairs are 'veth:'",
                    printable(arguments.device)));
  }
  refuse_meant_as_address(arguments.device);
  check_pattern("DEVICE", check_device_pattern, arguments.device);
}

void check_pair(const RuleArguments& arguments) {
  if (!arguments.keep_addresses) return;
  throw Error::usage("--keep-addresses: a pair that is made has none at home");
}

/// Nothing without --address.
std::optional<std::vector<IpPrefix>> prefixes(const std::vector<std::string>& texts) {
  if (texts.empty()) return std::nullopt;
  std::vector<IpPrefix> prefixes;
  if (texts == std::vector<std::string>{"none"}) return prefixes;
  for (const auto& text : texts) {
    if (text == "none") throw Error::usage("--address none: another --address says otherwise");
    check_word("--address", [&] {
      prefixes.push_back(IpPrefix::parse_destination(text));
      check_allowed_prefix(prefixes.back());
    });
  }
  return sorted_once(std::move(prefixes));
}

bool is_for_addresses(const RuleArguments& arguments) {
  return is_ip_address(arguments.device.substr(0, arguments.device.find('/')));
}

/// What may be lent themselves: "192.0.2.10" or "192.0.2.0/24".
std::vector<IpPrefix> lent_prefixes(const RuleArguments& arguments) {
  if (!arguments.addresses.empty() || arguments.keep_addresses || arguments.bridge ||
      arguments.host_addresses) {
    throw Error::usage(
        fmt::format("'{}' is lent itself; --address, --keep-addresses, --bridge and "
                    "--host-addresses are for devices and pairs",
                    printable(arguments.device)));
  }
  const auto prefix = IpPrefix::parse_destination(arguments.device);
  check_word("ADDRESS", [&] { check_lendable_prefix(prefix); });
  return {prefix};
}
}  // namespace

PolicyRule make_rule(const RuleArguments& arguments) {
  check_pattern("--to", check_container_pattern, arguments.to);
  check_pattern("--cgroup", check_path_pattern, arguments.cgroup);
  check_pattern("--bundle", check_path_pattern, arguments.bundle);
  check_pattern("--inside", check_name_pattern, arguments.inside);
  check_pattern("--bridge", check_name_pattern, arguments.bridge);
  const bool lends_addresses = is_for_addresses(arguments);
  if (!lends_addresses && arguments.keep_addresses && arguments.addresses.empty()) {
    throw Error::usage("--keep-addresses: without --address the rule is for any address already");
  }
  PolicyRule rule{.device = {},
                  .host_name = {},
                  .bridge = arguments.bridge,
                  .host_addresses = arguments.host_addresses,
                  .to = arguments.to,
                  .cgroup = arguments.cgroup,
                  .bundle = arguments.bundle,
                  .inside = arguments.inside,
                  .addresses = prefixes(arguments.addresses),
                  .keep_addresses = arguments.keep_addresses};
  if (lends_addresses) {
    rule.addresses = lent_prefixes(arguments);
    rule.lends_addresses = true;
    return rule;
  }
  if (!arguments.device.starts_with(kPairPrefix)) {
    check_device(arguments);
    rule.device = arguments.device;
    return rule;
  }
  check_pair(arguments);
  if (arguments.device.size() > kPairPrefix.size()) {
    rule.host_name = arguments.device.substr(kPairPrefix.size());
    check_pattern("DEVICE", check_name_pattern, rule.host_name);
  }
  return rule;
}

}  // namespace netlend::cli
