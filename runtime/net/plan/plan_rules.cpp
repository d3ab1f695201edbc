#include "net/plan/plan_rules.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/plan/plan_parse.hpp"

namespace netlend {

namespace {
constexpr std::uint32_t kMtuMinIpv6 = 1280;  // RFC 8200, 5

[[noreturn]] void refuse(const std::string& why) { throw Error::usage(why); }

// ::ffff:0:0/96 never leaves a machine as an IPv6 address. Source: RFC 4291, 2.5.5.2.
bool is_mapped_ipv4(const IpAddress& address) {
  static const IpPrefix kMapped{"::ffff:0:0/96"};
  return kMapped.contains(address);
}

void check_unicast(const IpAddress& address) {
  const auto refuse_kind = [&](std::string_view kind) {
    refuse(fmt::format("'{}' is {}; choose a unicast address", address.str(), kind));
  };
  if (address.is_unspecified()) refuse_kind("the unspecified address");
  // Lent traffic must never look local: who listens on loopback trusts it (CVE-2021-20199).
  if (address.is_loopback()) refuse_kind("a loopback address");
  if (address.is_multicast()) refuse_kind("a multicast address");
  if (is_mapped_ipv4(address)) refuse_kind("an IPv4 address written as IPv6");
}

std::optional<std::string_view> behind(std::string_view prefix, std::string_view text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  return text.substr(prefix.size());
}

// A long name can only be an alternative one, which could as well be taken for such.
DeviceSelector parse_plain_name(std::string_view text) {
  try {
    return {DeviceSelector::By::name, InterfaceName{text}.str()};
  } catch (const Error& error) {
    if (text.size() <= kInterfaceNameMax || text.size() > kAltNameMax) throw;
    refuse(
        fmt::format("{}; an alternative name is written 'alt:{}'", error.what(), printable(text)));
  }
}

// True where the device can send to `hop` at once: one of its own networks holds it.
bool is_on_link(const NicPlan& nic, const IpAddress& hop) {
  // A link-local next hop is on the link by its nature; the kernel asks for the device alone.
  if (hop.family() == AF_INET6 && hop.is_link_local()) return true;
  // Which networks kept addresses bring is known only at home.
  if (nic.keep_addresses) return true;
  return std::any_of(nic.addresses.begin(), nic.addresses.end(),
                     [&](const IpPrefix& own) { return own.contains(hop); });
}

void check_next_hop(const NicPlan& nic, const IpAddress& hop, std::string_view word) {
  for (const auto& own : nic.addresses) {
    if (own.address() == hop) {
      refuse(
          fmt::format("{}: '{}' is the device's own address; name the router's", word, hop.str()));
    }
  }
}

void check_addresses(const NicPlan& nic) {
  std::set<IpAddress> seen;
  const auto add = [&](const IpPrefix& prefix) {
    if (!seen.insert(prefix.address()).second) {
      refuse(fmt::format("address '{}' is there twice", prefix.address().str()));
    }
  };
  for (const auto& address : nic.addresses) add(address);
  if (const auto* pair = std::get_if<VethPair>(&nic.source)) {
    for (const auto& address : pair->host_addresses) add(address);
  }
}

void check_gateways(const NicPlan& nic) {
  for (const auto& gateway : nic.gateways) {
    const std::string word = fmt::format("gateway '{}'", gateway.address.str());
    check_next_hop(nic, gateway.address, word);
    if (!gateway.onlink && !is_on_link(nic, gateway.address)) {
      refuse(
          fmt::format("{}: no address of the device has it in its network; give it such an "
                      "address, or say onlink=yes behind the gw= ('onlink' in a plan file)",
                      word));
    }
  }
}

void check_routes(const NicPlan& nic) {
  std::set<IpPrefix> destinations;
  for (const auto& route : nic.routes) {
    const std::string word = fmt::format("route '{}'", route.destination.str());
    if (!destinations.insert(route.destination).second) refuse(word + " is there twice");
    if (!route.via) continue;
    if (route.via->family() != route.destination.family()) {
      refuse(fmt::format("{}: '{}' is of the other IP family", word, route.via->str()));
    }
    check_next_hop(nic, *route.via, word);
    if (!is_on_link(nic, *route.via)) {
      refuse(
          fmt::format("{}: no address of the device has '{}' in its network; give it such an "
                      "address",
                      word, route.via->str()));
    }
  }
}

template <typename Items, typename FamilyOf>
bool any_ipv6(const Items& items, FamilyOf family_of) {
  return std::any_of(items.begin(), items.end(),
                     [&](const auto& item) { return family_of(item) == AF_INET6; });
}

void check_mtu(const NicPlan& nic) {
  if (!nic.mtu_bytes) return;
  if (*nic.mtu_bytes < kMtuMin || *nic.mtu_bytes > kMtuMax) {
    refuse(fmt::format("mtu {}: use {} to {} bytes", *nic.mtu_bytes, kMtuMin, kMtuMax));
  }
  const bool ipv6 =
      any_ipv6(nic.addresses, [](const IpPrefix& own) { return own.family(); }) ||
      any_ipv6(nic.gateways, [](const Gateway& gateway) { return gateway.address.family(); }) ||
      any_ipv6(nic.routes, [](const PlannedRoute& route) { return route.destination.family(); });
  if (ipv6 && *nic.mtu_bytes < kMtuMinIpv6) {
    refuse(fmt::format("mtu {}: IPv6 needs at least {} bytes", *nic.mtu_bytes, kMtuMinIpv6));
  }
}

bool is_same_source(const NicPlan& left, const NicPlan& right) {
  const auto* left_pair = std::get_if<VethPair>(&left.source);
  const auto* right_pair = std::get_if<VethPair>(&right.source);
  if ((left_pair != nullptr) != (right_pair != nullptr)) return false;
  if (left_pair != nullptr) {
    return left_pair->host_name && left_pair->host_name == right_pair->host_name;
  }
  return left.source == right.source;
}

void check_distinct(const NicPlan& nic, const NicPlan& other) {
  if (nic.inside == other.inside) {
    refuse(fmt::format("two devices are to be '{}' inside", printable(nic.inside.str())));
  }
  if (is_same_source(nic, other)) {
    refuse(fmt::format("device '{}' is wanted twice", printable(describe_source(nic))));
  }
}

void check_distinct(const AddressPlan& lent, const Plan& plan) {
  const auto has_device = [](const AddressPlan& other) {
    return other.mode != AddressMode::kernel;
  };
  const auto is_same_name = [&](const auto& other) { return other.inside == lent.inside; };
  if (!has_device(lent)) return;
  if (std::any_of(plan.nics.begin(), plan.nics.end(), is_same_name) ||
      std::count_if(plan.addresses.begin(), plan.addresses.end(), [&](const auto& other) {
        return has_device(other) && is_same_name(other);
      }) > 1) {
    refuse(
        fmt::format("two devices are to be '{}' inside; name one by as=NAME, in a plan file by "
                    "'inside'",
                    printable(lent.inside.str())));
  }
}

void check_lent_addresses(const Plan& plan) {
  if (std::count_if(plan.addresses.begin(), plan.addresses.end(),
                    [](const auto& lent) { return !lent.ports.empty(); }) > 1) {
    refuse(
        "ports= is in two loans of one container, which has one range of ports that its own "
        "connections go out by; put the addresses into one loan");
  }
  std::set<IpAddress> seen;
  for (const auto& lent : plan.addresses) {
    if (lent.loopback != plan.addresses.front().loopback) {
      refuse("a container has one loopback; write loopback=shared with each of its loans or none");
    }
    for (const auto& address : lent.addresses) {
      if (!seen.insert(address).second) {
        refuse(fmt::format("address '{}' is wanted twice", address.str()));
      }
    }
  }
  for (const auto& lent : plan.addresses) check_distinct(lent, plan);
}

void check_totals(const Plan& plan) {
  std::size_t addresses = 0;
  std::size_t routes = 0;
  for (const auto& nic : plan.nics) {
    addresses += nic.addresses.size();
    if (const auto* pair = std::get_if<VethPair>(&nic.source)) {
      addresses += pair->host_addresses.size();
    }
    routes += nic.routes.size();
  }
  for (const auto& lent : plan.addresses) addresses += lent.addresses.size();
  const auto limit = [](std::size_t count, std::size_t max, std::string_view what) {
    if (count > max) refuse(fmt::format("{} {}: a plan has at most {}", count, what, max));
  };
  limit(plan.nics.size() + plan.addresses.size(), kNicsMax, "devices");
  limit(addresses, kAddressesMax, "addresses");
  limit(routes, kRoutesMax, "routes");
}
}  // namespace

std::variant<DeviceSelector, VethPair> parse_source(std::string_view text) {
  using By = DeviceSelector::By;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return parse_plain_name(text);
  if (const auto name = behind("dev:", text)) {
    return DeviceSelector{By::name, InterfaceName{*name}.str()};
  }
  if (const auto name = behind("alt:", text)) {
    return DeviceSelector{By::altname, AltName{*name}.str()};
  }
  if (const auto mac = behind("mac:", text)) {
    return DeviceSelector{By::mac, MacAddress{*mac}.str()};
  }
  if (const auto address = behind("pci:", text)) {
    return DeviceSelector{By::pci, parse_pci_address(*address)};
  }
  if (const auto name = behind("veth:", text)) {
    VethPair pair;
    if (!name->empty()) pair.host_name = InterfaceName{*name};
    return pair;
  }
  refuse(fmt::format(
      "source '{}': '{}' is unknown; use NAME, dev:NAME, alt:NAME, mac:02:00:00:00:00:01, "
      "pci:0000:03:00.1 or veth:[HOST-NAME]",
      printable(text), printable(text.substr(0, colon + 1))));
}

IpPrefix parse_own_address(std::string_view text) {
  const IpPrefix prefix{text};
  check_unicast(prefix.address());
  if (prefix.length_bits() == 0) {
    refuse(fmt::format("'{}': a prefix length of 0 makes every address a neighbour", prefix.str()));
  }
  return prefix;
}

IpAddress parse_next_hop(std::string_view text) {
  const IpAddress address{text};
  check_unicast(address);
  return address;
}

IpPrefix parse_route_destination(std::string_view text) {
  const IpPrefix destination = IpPrefix::parse_destination(text);
  if (destination.length_bits() == 0) {
    refuse(fmt::format("'{}' is the default route; write gw=IP for it", destination.str()));
  }
  if (destination.has_host_bits()) {
    refuse(fmt::format("'{}' has host bits; did you mean '{}'?", destination.str(),
                       destination.network().str()));
  }
  if (destination.address().is_loopback() || is_mapped_ipv4(destination.address())) {
    refuse(fmt::format("'{}' never leaves a machine", destination.str()));
  }
  return destination;
}

void check_nic(const NicPlan& nic) {
  if (nic.inside.str() == "lo") {
    refuse("'lo' is there in every network namespace; choose another name");
  }
  if (nic.keep_addresses && std::holds_alternative<VethPair>(nic.source)) {
    refuse("keep=addresses: a pair that is made for the container has none at home");
  }
  if (!nic.up && !(nic.gateways.empty() && nic.routes.empty())) {
    refuse("up=no: gateways and routes need the device to be up");
  }
  check_addresses(nic);
  check_gateways(nic);
  check_routes(nic);
  check_mtu(nic);
}

void check_plan(const Plan& plan) {
  check_totals(plan);
  check_lent_addresses(plan);
  std::set<int> gateway_families;
  for (auto nic = plan.nics.begin(); nic != plan.nics.end(); ++nic) {
    std::for_each(plan.nics.begin(), nic,
                  [&](const NicPlan& other) { check_distinct(*nic, other); });
    for (const auto& gateway : nic->gateways) {
      if (!gateway_families.insert(gateway.address.family()).second) {
        refuse(fmt::format("gateway '{}' is the second of its IP family; a container has one",
                           gateway.address.str()));
      }
    }
  }
}

}  // namespace netlend
