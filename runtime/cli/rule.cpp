#include "cli/rule.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <array>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend::cli {

namespace {
constexpr std::string_view kPairPrefix = "veth:";

// An empty variable of a script must not mean all, and an empty pattern matches nothing.
void check_not_empty(std::string_view option, const std::optional<std::string>& pattern) {
  if (!pattern || !pattern->empty()) return;
  throw Error::usage(
      fmt::format("{}: an empty pattern allows nothing; '*' would allow all", option));
}

bool is_ip_address(const std::string& text) {
  const std::string address = text.substr(0, text.find('/'));
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

void check_device(const RuleArguments& arguments) {
  check_not_empty("DEVICE", arguments.device);
  if (is_ip_address(arguments.device)) {
    throw Error::usage(fmt::format(
        "'{}' is an address, and a rule is for a device; a device of this name is 'dev:{}'",
        printable(arguments.device), printable(arguments.device)));
  }
  if (arguments.bridge || arguments.host_addresses) {
    throw Error::usage(
        fmt::format("--bridge and --host-addresses are for pairs, which are made; '{}' is there "
                    "already, pairs are 'veth:'",
                    printable(arguments.device)));
  }
}
std::optional<std::vector<IpPrefix>> prefixes(const std::vector<std::string>& texts) {
  if (texts.empty()) return std::nullopt;
  std::vector<IpPrefix> prefixes;
  for (const auto& text : texts) {
    const auto prefix = IpPrefix::parse_destination(text);
    if (prefix.has_host_bits()) {
      throw Error::usage(fmt::format("--address {}: it has host bits; the prefix is {}",
                                     prefix.str(), prefix.network().str()));
    }
    prefixes.push_back(prefix);
  }
  return prefixes;
}
}  // namespace

PolicyRule make_rule(const RuleArguments& arguments) {
  check_not_empty("--to", arguments.to);
  check_not_empty("--inside", arguments.inside);
  check_not_empty("--bridge", arguments.bridge);
  PolicyRule rule{.device = {},
                  .host_name = {},
                  .bridge = arguments.bridge,
                  .host_addresses = arguments.host_addresses,
                  .to = arguments.to,
                  .inside = arguments.inside,
                  .addresses = prefixes(arguments.addresses)};
  if (!arguments.device.starts_with(kPairPrefix)) {
    check_device(arguments);
    rule.device = arguments.device;
  } else if (arguments.device.size() > kPairPrefix.size()) {
    rule.host_name = arguments.device.substr(kPairPrefix.size());
  }
  return rule;
}

}  // namespace netlend::cli
