#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/plan/plan_rules.hpp"

namespace netlend {

namespace {
constexpr std::size_t kPortMax = 65535;
// Each is four routing rules at home for each address.
constexpr std::size_t kRangesMax = 16;

[[noreturn]] void refuse(const std::string& why) { throw Error::usage(why); }

void apply_broadcast(AddressPlan& plan, std::string_view value) {
  if (value != "yes" && value != "no") refuse("use broadcast=yes or broadcast=no");
  plan.broadcast = value == "yes";
}

struct Key {
  std::string_view name;
  std::string_view example;
  void (*apply)(AddressPlan& plan, std::string_view value);
};

constexpr std::array kKeys{
    Key{"via", "via=DEVICE", [](auto& plan, auto value) { plan.via = InterfaceName{value}; }},
    Key{"mode", "mode=routed", [](auto& plan, auto value) { plan.mode = parse_mode(value); }},
    Key{"as", "as=eth0", [](auto& plan, auto value) { plan.inside = InterfaceName{value}; }},
    Key{"broadcast", "broadcast=yes", apply_broadcast},
    Key{"loopback", "loopback=own",
        [](auto& plan, auto value) { plan.loopback = parse_loopback(value); }},
    Key{"ports", "ports=80",
        [](auto& plan, auto value) { plan.ports.push_back(parse_ports(value)); }},
};

const Key* find_key(std::string_view name) {
  const auto* key = std::find_if(kKeys.begin(), kKeys.end(),
                                 [&](const Key& known) { return known.name == name; });
  return key == kKeys.end() ? nullptr : key;
}

[[noreturn]] void refuse_unknown() {
  std::string known;
  for (const auto& key : kKeys) known += fmt::format(", {}=", key.name);
  refuse("unknown; known are IP addresses" + known);
}

void apply_address(AddressPlan& plan, std::string_view word) {
  if (const Key* key = find_key(word)) {
    refuse(fmt::format("it wants a value, as in '{}'", key->example));
  }
  if (!is_ip_address(word.substr(0, word.find('/')))) {
    refuse(
        "not an IPv4 or IPv6 address, which alone are lent here; a device that has them is named "
        "by via=DEVICE");
  }
  plan.addresses.push_back(parse_lendable_address(word));
}

void apply_word(AddressPlan& plan, std::string_view word, std::set<std::string_view>& seen) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) {
    apply_address(plan, word);
    return;
  }
  const Key* key = find_key(word.substr(0, equals));
  if (key == nullptr && word.starts_with("name=")) refuse("write as= for the device's name inside");
  if (key == nullptr) refuse_unknown();
  if (key->name != "ports" && !seen.insert(key->name).second) {
    refuse(fmt::format("{}= is there twice", key->name));
  }
  key->apply(plan, word.substr(equals + 1));
}
}  // namespace

AddressMode parse_mode(std::string_view text) {
  std::string known;
  for (const AddressMode mode : kAddressModes) {
    if (mode_name(mode) == text) return mode;
    known += (known.empty() ? "" : ", ") + std::string(mode_name(mode));
  }
  refuse(fmt::format("'{}' is unknown; the modes are {}", printable(text), known));
}

AddressPlan parse_l3_spec(std::string_view spec, std::string_view inside) {
  AddressPlan plan{.addresses = {}, .via = {}, .inside = InterfaceName{inside}};
  std::set<std::string_view> seen;
  for (const auto word : split_spec(spec)) {
    try {
      apply_word(plan, word, seen);
    } catch (const Error& error) {
      refuse(fmt::format("word '{}': {}", printable(word), error.what()));
    }
  }
  if (plan.mode == AddressMode::kernel && seen.contains("as")) {
    refuse("as= names a device, and in mode 'kernel' the container has none of its own");
  }
  check_address_plan(plan);
  return plan;
}

Loopback parse_loopback(std::string_view text) {
  if (text != "own" && text != "shared") refuse("use loopback=own or loopback=shared");
  return text == "own" ? Loopback::own : Loopback::shared;
}

IpAddress parse_lendable_address(std::string_view text) {
  if (text.find('/') != std::string_view::npos && is_ip_address(text.substr(0, text.find('/')))) {
    refuse(fmt::format("an address is lent, not a network; write '{}'",
                       text.substr(0, text.find('/'))));
  }
  IpAddress address = parse_next_hop(text);
  if (address.is_link_local()) {
    refuse(fmt::format("'{}' is link-local, and isn't routed to a container", address.str()));
  }
  return address;
}

PortRange parse_ports(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_number(text.substr(0, dash), kPortMax);
  const auto last =
      dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1), kPortMax);
  if (!first || !last || *first == 0 || *last < *first) {
    refuse(fmt::format("'{}' is no port and no range of ports; write '80' or '8000-8010'",
                       printable(text)));
  }
  return {static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

namespace {
void check_port_ranges(const AddressPlan& plan) {
  if (plan.ports.empty()) return;
  if (plan.ports.size() > kRangesMax) {
    refuse(fmt::format("{} ranges of ports: there may be {}", plan.ports.size(), kRangesMax));
  }
  for (auto range = plan.ports.begin(); range != plan.ports.end(); ++range) {
    if (overlap({plan.ports.begin(), range}, *range)) {
      refuse(fmt::format("port {} is wanted twice", format_ports(*range)));
    }
  }
  if (plan.mode != AddressMode::automatic && plan.mode != AddressMode::routed) {
    refuse("ports= goes with mode 'routed' alone, where this machine keeps the address");
  }
  if (plan.broadcast)
    refuse("broadcast=yes goes with a whole address, and ports= is a part of one");
}
}  // namespace

void check_address_plan(const AddressPlan& plan) {
  check_port_ranges(plan);
  const bool can_share = plan.mode == AddressMode::kernel || plan.mode == AddressMode::automatic;
  if (plan.loopback == Loopback::shared && (!can_share || !plan.ports.empty())) {
    refuse(
        "loopback=shared goes with mode 'kernel' alone: in all others the container has a network "
        "namespace, and with it a loopback, of its own");
  }
  if (plan.addresses.empty()) refuse("no address; write which to lend, as in '192.0.2.10'");
  if (plan.inside.str() == "lo") {
    refuse("'lo' is there in every network namespace; choose another name");
  }
}

}  // namespace netlend
