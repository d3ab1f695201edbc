#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/plan/plan_rules.hpp"
#include "oci-spec/json.hpp"

namespace netlend {

using nlohmann::ordered_json;

namespace {
constexpr int kFormatVersion = 1;

template <typename Parse>
auto parse_text(const JsonNode& node, Parse parse) {
  const std::string text = node.text();
  try {
    return parse(text);
  } catch (const Error& error) {
    node.fail(error.what());
  }
}

std::vector<IpPrefix> read_addresses(const JsonNode& node) {
  std::vector<IpPrefix> addresses;
  for (const auto& element : node.elements()) {
    addresses.push_back(parse_text(element, parse_own_address));
  }
  return addresses;
}

std::vector<Gateway> read_gateways(const JsonNode& node) {
  std::vector<Gateway> gateways;
  for (const auto& element : node.elements()) {
    element.allow_only({"address", "onlink"});
    Gateway gateway{.address = parse_text(element.at("address"), parse_next_hop)};
    if (const auto onlink = element.find("onlink")) gateway.onlink = onlink->boolean();
    gateways.push_back(gateway);
  }
  return gateways;
}

std::vector<PlannedRoute> read_routes(const JsonNode& node) {
  std::vector<PlannedRoute> routes;
  for (const auto& element : node.elements()) {
    element.allow_only({"destination", "via"});
    PlannedRoute route{
        .destination = parse_text(element.at("destination"), parse_route_destination), .via = {}};
    if (const auto via = element.find("via")) route.via = parse_text(*via, parse_next_hop);
    routes.push_back(route);
  }
  return routes;
}

void read_pair(const JsonNode& node, NicPlan& nic) {
  auto* pair = std::get_if<VethPair>(&nic.source);
  const auto member = [&](std::string_view key) {
    auto found = node.find(key);
    if (found && pair == nullptr) found->fail("only for a source 'veth:', a pair that is made");
    return found;
  };
  if (const auto bridge = member("bridge")) pair->bridge = bridge->as<InterfaceName>();
  if (const auto addresses = member("host_addresses")) {
    pair->host_addresses = read_addresses(*addresses);
  }
}

void read_attributes(const JsonNode& node, NicPlan& nic) {
  if (const auto addresses = node.find("addresses")) nic.addresses = read_addresses(*addresses);
  if (const auto gateways = node.find("gateways")) nic.gateways = read_gateways(*gateways);
  if (const auto routes = node.find("routes")) nic.routes = read_routes(*routes);
  if (const auto mtu = node.find("mtu")) {
    nic.mtu_bytes = static_cast<std::uint32_t>(mtu->number(kMtuMin, kMtuMax));
  }
  if (const auto mac = node.find("mac")) nic.mac = mac->as<MacAddress>();
  if (const auto up = node.find("up")) nic.up = up->boolean();
  if (const auto dad = node.find("dad")) nic.dad = dad->boolean();
  if (const auto keep = node.find("keep_addresses")) nic.keep_addresses = keep->boolean();
}

NicPlan read_nic(const JsonNode& node) {
  node.allow_only({"inside", "source", "addresses", "gateways", "routes", "mtu", "mac", "up", "dad",
                   "keep_addresses", "bridge", "host_addresses"});
  NicPlan nic{node.at("inside").as<InterfaceName>(),
              parse_text(node.at("source"), parse_source),
              {},
              {},
              {},
              {},
              {}};
  read_attributes(node, nic);
  read_pair(node, nic);
  try {
    check_nic(nic);
  } catch (const Error& error) {
    node.fail(error.what());
  }
  return nic;
}

AddressPlan read_lent_addresses(const JsonNode& node) {
  node.allow_only({"addresses", "via", "mode", "ports", "broadcast", "loopback", "inside"});
  AddressPlan lent{};
  for (const auto& element : node.at("addresses").elements()) {
    lent.addresses.push_back(parse_text(element, parse_lendable_address));
  }
  if (const auto via = node.find("via")) lent.via = via->as<InterfaceName>();
  if (const auto mode = node.find("mode")) lent.mode = parse_text(*mode, parse_mode);
  if (const auto ports = node.find("ports")) {
    for (const auto& element : ports->elements()) {
      lent.ports.push_back(parse_text(element, parse_ports));
    }
    // Without any, the whole address would be lent.
    if (lent.ports.empty()) ports->fail("name at least one port, or leave it out");
  }
  if (const auto broadcast = node.find("broadcast")) lent.broadcast = broadcast->boolean();
  if (const auto loopback = node.find("loopback")) {
    lent.loopback = parse_text(*loopback, parse_loopback);
  }
  if (const auto inside = node.find("inside")) lent.inside = inside->as<InterfaceName>();
  try {
    check_address_plan(lent);
  } catch (const Error& error) {
    node.fail(error.what());
  }
  return lent;
}

Plan read_plan(const JsonNode& root) {
  root.allow_only({"netlend", "nics", "l3"});
  const auto version = root.at("netlend");
  if (version.number(0, INT64_MAX) != kFormatVersion) {
    version.fail(fmt::format("this netlend reads version {} of plan files", kFormatVersion));
  }
  Plan plan;
  const auto l3 = root.find("l3");
  const auto nics = root.find("nics");
  if (!nics && !l3) root.fail("lends nothing; list devices in 'nics', or addresses in 'l3'");
  if (nics) {
    for (const auto& node : nics->elements()) plan.nics.push_back(read_nic(node));
  }
  if (l3) {
    for (const auto& node : l3->elements()) plan.addresses.push_back(read_lent_addresses(node));
  }
  const auto& place = nics ? *nics : *l3;
  if (plan.is_empty()) {
    place.fail(fmt::format("lends nothing; name at least one {}", nics ? "device" : "address"));
  }
  try {
    check_plan(plan);
  } catch (const Error& error) {
    place.fail(error.what());
  }
  return plan;
}

ordered_json prefixes_to_json(const std::vector<IpPrefix>& prefixes) {
  auto array = ordered_json::array();
  for (const auto& prefix : prefixes) array.push_back(prefix.str());
  return array;
}

ordered_json gateways_to_json(const std::vector<Gateway>& gateways) {
  auto array = ordered_json::array();
  for (const auto& gateway : gateways) {
    ordered_json object{{"address", gateway.address.str()}};
    if (gateway.onlink) object["onlink"] = true;
    array.push_back(object);
  }
  return array;
}

ordered_json routes_to_json(const std::vector<PlannedRoute>& routes) {
  auto array = ordered_json::array();
  for (const auto& route : routes) {
    ordered_json object{{"destination", route.destination.str()}};
    if (route.via) object["via"] = route.via->str();
    array.push_back(object);
  }
  return array;
}

// What is as it would be without being said is left out.
ordered_json nic_to_json(const NicPlan& nic) {
  ordered_json object{{"inside", nic.inside.str()}, {"source", describe_source(nic)}};
  if (!nic.addresses.empty()) object["addresses"] = prefixes_to_json(nic.addresses);
  if (!nic.gateways.empty()) object["gateways"] = gateways_to_json(nic.gateways);
  if (!nic.routes.empty()) object["routes"] = routes_to_json(nic.routes);
  if (nic.mtu_bytes) object["mtu"] = *nic.mtu_bytes;
  if (nic.mac) object["mac"] = nic.mac->str();
  if (!nic.up) object["up"] = false;
  if (!nic.dad) object["dad"] = false;
  if (nic.keep_addresses) object["keep_addresses"] = true;
  if (const auto* pair = std::get_if<VethPair>(&nic.source)) {
    if (pair->bridge) object["bridge"] = pair->bridge->str();
    if (!pair->host_addresses.empty()) {
      object["host_addresses"] = prefixes_to_json(pair->host_addresses);
    }
  }
  return object;
}

ordered_json lent_to_json(const AddressPlan& lent) {
  auto addresses = ordered_json::array();
  for (const auto& address : lent.addresses) addresses.push_back(address.str());
  ordered_json object{{"inside", lent.inside.str()}, {"addresses", addresses}};
  if (lent.via) object["via"] = lent.via->str();
  if (lent.mode != AddressMode::automatic) object["mode"] = mode_name(lent.mode);
  for (const auto& range : lent.ports) object["ports"].push_back(format_ports(range));
  if (lent.broadcast) object["broadcast"] = true;
  if (lent.loopback == Loopback::shared) object["loopback"] = "shared";
  return object;
}
}  // namespace

Plan parse_plan_file(std::string_view json_text) {
  try {
    return read_plan(JsonDocument{json_text}.root());
  } catch (const Error& error) {
    throw Error::usage(error.what());
  }
}

std::string format_plan_file(const Plan& plan) {
  ordered_json file{{"netlend", kFormatVersion}};
  if (plan.addresses.empty()) file["nics"] = ordered_json::array();
  for (const auto& nic : plan.nics) file["nics"].push_back(nic_to_json(nic));
  for (const auto& lent : plan.addresses) file["l3"].push_back(lent_to_json(lent));
  try {
    return file.dump(2) + '\n';
  } catch (const ordered_json::type_error&) {
    // The kernel takes any bytes as a device name, JSON only UTF-8.
    throw Error(
        "a device name in the plan is not UTF-8, and so can't be written down; rename the device");
  }
}

}  // namespace netlend
