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
  void (*apply)(AddressPlan& plan, std::string_view value);
};

constexpr std::array kKeys{
    Key{"via", [](auto& plan, auto value) { plan.via = InterfaceName{value}; }},
    Key{"mode", [](auto& plan, auto value) { plan.mode = parse_mode(value); }},
    Key{"as", [](auto& plan, auto value) { plan.inside = InterfaceName{value}; }},
    Key{"broadcast", apply_broadcast},
    Key{"loopback", [](auto& plan, auto value) { plan.loopback = parse_loopback(value); }},
    Key{"ports", [](auto& plan, auto value) { plan.ports.push_back(parse_ports(value)); }},
};

void apply_word(AddressPlan& plan, std::string_view word, std::set<std::string_view>& seen) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) {
    plan.addresses.push_back(parse_lendable_address(word));
    return;
  }
  const auto* key = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& known) {
    return known.name == word.substr(0, equals);
  });
  if (key == kKeys.end())
    refuse("unknown; known are IP addresses, via=, mode=, as=, ports=, broadcast= and loopback=");
  if (key->name != "ports" && !seen.insert(key->name).second)
    refuse(fmt::format("{}= is there twice", key->name));
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
