#include "net/snapshot/snapshot_json.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/snapshot/record_json.hpp"
#include "net/snapshot/settings_json.hpp"

namespace netlend {

using nlohmann::json;

namespace {
template <typename Value>
json optional_to_json(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

template <typename Value>
std::optional<Value> optional_from_json(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<Value>();
}

// Member by member: each pair of a list in braces is an array first, which takes twice the time.
json link_to_json(const LinkState& link) {
  json tunables = json::object();
  for (const auto& [type, value] : link.tunables) tunables[std::to_string(type)] = value;
  json object;
  object["ifindex"] = link.ifindex.value;
  object["name"] = bytes_to_utf8(link.name);
  object["altnames"] = list_to_json(link.altnames, bytes_to_utf8);
  object["alias"] = bytes_to_utf8(link.alias);
  object["kind"] = link.kind;
  object["kind_data"] = to_hex(link.kind_data);
  object["flags"] = link.flags;
  object["mtu"] = link.mtu_bytes;
  object["address"] = to_hex(link.address);
  object["broadcast"] = to_hex(link.broadcast);
  object["permanent_address"] = to_hex(link.permanent_address);
  object["tunables"] = tunables;
  object["addrgenmode"] = optional_to_json(link.addrgenmode);
  object["ipv6_ready"] = link.ipv6_ready;
  object["has_carrier"] = link.has_carrier;
  object["lower_nsid"] = optional_to_json(link.lower_nsid);
  object["parent_bus"] = link.parent_bus;
  object["parent_device"] = link.parent_device;
  object["port_name"] = bytes_to_utf8(link.port_name);
  object["netns_immutable"] = optional_to_json(link.netns_immutable);
  if (!link.ipv6_token.empty()) object["ipv6_token"] = to_hex(link.ipv6_token);
  if (link.lower) object["lower"] = link.lower->value;
  if (link.mode) object["mode"] = *link.mode;
  if (link.protocol_down) {
    object["protocol_down"] = {{"is_down", link.protocol_down->is_down},
                               {"reasons", link.protocol_down->reasons}};
  }
  if (link.master) {
    object["master"] = {{"ifindex", link.master->ifindex.value},
                        {"kind", link.master->kind},
                        {"port_attributes", raw_to_json(link.master->port_attributes)}};
  }
  return object;
}

LinkState link_from_json(const json& object) {
  LinkState link;
  link.ifindex = {object.at("ifindex").get<int>()};
  link.name = text_from_json(object.at("name"));
  link.altnames = list_from_json(object.at("altnames"), text_from_json);
  link.alias = text_from_json(object.at("alias"));
  link.kind = object.at("kind").get<std::string>();
  link.kind_data = bytes_from_json(object.at("kind_data"));
  link.flags = object.at("flags").get<std::uint32_t>();
  link.mtu_bytes = object.at("mtu").get<std::uint32_t>();
  link.address = bytes_from_json(object.at("address"));
  link.broadcast = bytes_from_json(object.at("broadcast"));
  link.permanent_address = bytes_from_json(object.at("permanent_address"));
  for (const auto& [key, value] : object.at("tunables").items()) {
    link.tunables.emplace(
        static_cast<std::uint16_t>(parse_number(key, UINT16_MAX).value_or(UINT16_MAX)),
        value.get<std::uint32_t>());
  }
  link.addrgenmode = optional_from_json<std::uint8_t>(object.at("addrgenmode"));
  link.ipv6_ready = object.at("ipv6_ready").get<bool>();
  link.has_carrier = object.at("has_carrier").get<bool>();
  link.lower_nsid = optional_from_json<std::uint32_t>(object.at("lower_nsid"));
  link.parent_bus = object.at("parent_bus").get<std::string>();
  link.parent_device = object.at("parent_device").get<std::string>();
  link.port_name = text_from_json(object.at("port_name"));
  link.netns_immutable = optional_from_json<bool>(object.at("netns_immutable"));
  if (object.contains("ipv6_token")) link.ipv6_token = bytes_from_json(object.at("ipv6_token"));
  if (object.contains("lower")) link.lower = IfIndex{object.at("lower").get<int>()};
  if (object.contains("mode")) link.mode = object.at("mode").get<std::uint8_t>();
  if (object.contains("protocol_down")) {
    const json& held = object.at("protocol_down");
    link.protocol_down = ProtocolDown{.is_down = held.at("is_down").get<bool>(),
                                      .reasons = held.at("reasons").get<std::uint32_t>()};
  }
  if (object.contains("master")) {
    const json& master = object.at("master");
    link.master = LinkMaster{.ifindex = {master.at("ifindex").get<int>()},
                             .kind = master.at("kind").get<std::string>(),
                             .port_attributes = raw_from_json(master.at("port_attributes"))};
  }
  return link;
}

// In the order of RoutePlace.
constexpr std::array kPlaces{"alone", "before", "between", "behind"};

RoutePlace place_from_json(const json& object) {
  if (!object.contains("place")) return RoutePlace::alone;
  const auto text = object.at("place").get<std::string>();
  const auto* const found = std::find(kPlaces.begin(), kPlaces.end(), text);
  if (found == kPlaces.end()) throw Error("it holds a place '" + printable(text) + "'");
  return static_cast<RoutePlace>(found - kPlaces.begin());
}

json route_to_json(const RouteRecord& route) {
  json object;
  object["text"] = bytes_to_utf8(describe(route));
  object["family"] = route.family;
  object["destination_bits"] = route.destination_bits;
  object["source_bits"] = route.source_bits;
  object["tos"] = route.tos;
  object["table"] = route.table;
  object["protocol"] = route.protocol;
  object["scope"] = route.scope;
  object["type"] = route.type;
  object["flags"] = route.flags;
  object["attributes"] = raw_to_json(route.attributes);
  object["expires_at_s"] = optional_to_json(route.expires_at_s);
  if (route.is_sibling) object["is_sibling"] = true;
  if (route.place != RoutePlace::alone) {
    object["place"] = kPlaces.at(static_cast<std::size_t>(route.place));
  }
  return object;
}

RouteRecord route_from_json(const json& object) {
  return {.family = object.at("family").get<int>(),
          .destination_bits = object.at("destination_bits").get<int>(),
          .source_bits = object.at("source_bits").get<int>(),
          .tos = object.at("tos").get<std::uint8_t>(),
          .table = object.at("table").get<std::uint32_t>(),
          .protocol = object.at("protocol").get<std::uint8_t>(),
          .scope = object.at("scope").get<std::uint8_t>(),
          .type = object.at("type").get<std::uint8_t>(),
          .flags = object.at("flags").get<std::uint32_t>(),
          .attributes = raw_from_json(object.at("attributes")),
          .is_sibling = object.value("is_sibling", false),
          .expires_at_s = optional_from_json<std::int64_t>(object.at("expires_at_s")),
          .place = place_from_json(object)};
}

json neighbour_to_json(const NeighbourRecord& neighbour) {
  json object;
  object["text"] = bytes_to_utf8(describe(neighbour));
  object["family"] = neighbour.family;
  object["state"] = neighbour.state;
  object["flags"] = neighbour.flags;
  object["attributes"] = raw_to_json(neighbour.attributes);
  return object;
}

NeighbourRecord neighbour_from_json(const json& object) {
  return {.family = object.at("family").get<int>(),
          .state = object.at("state").get<std::uint16_t>(),
          .flags = object.at("flags").get<std::uint8_t>(),
          .attributes = raw_from_json(object.at("attributes"))};
}
}  // namespace

json address_to_json(const AddressRecord& address) {
  return {{"text", bytes_to_utf8(describe(address))},
          {"family", address.family},
          {"length", address.length_bits},
          {"scope", address.scope},
          {"flags", address.flags},
          {"attributes", raw_to_json(address.attributes)},
          {"valid_until_s", optional_to_json(address.valid_until_s)},
          {"preferred_until_s", optional_to_json(address.preferred_until_s)}};
}

AddressRecord address_from_json(const json& object) {
  return {.family = object.at("family").get<int>(),
          .length_bits = object.at("length").get<int>(),
          .scope = object.at("scope").get<std::uint8_t>(),
          .flags = object.at("flags").get<std::uint32_t>(),
          .attributes = raw_from_json(object.at("attributes")),
          .valid_until_s = optional_from_json<std::int64_t>(object.at("valid_until_s")),
          .preferred_until_s = optional_from_json<std::int64_t>(object.at("preferred_until_s"))};
}

json device_route_to_json(const DeviceRoute& route) {
  return {{"device", route.device.value}, {"route", route_to_json(route.route)}};
}

DeviceRoute device_route_from_json(const json& object) {
  return {.device = IfIndex{object.at("device").get<int>()},
          .route = route_from_json(object.at("route"))};
}

json to_json(const DeviceSnapshot& snapshot) {
  json object;
  object["link"] = link_to_json(snapshot.link);
  object["addresses"] = list_to_json(snapshot.addresses, address_to_json);
  object["routes"] = list_to_json(snapshot.routes, route_to_json);
  object["neighbours"] = list_to_json(snapshot.neighbours, neighbour_to_json);
  object["sysctls"] = snapshot.sysctls;
  if (!snapshot.all_devices.empty()) object["all_devices"] = snapshot.all_devices;
  object["has_ingress_qdisc"] = snapshot.has_ingress_qdisc;
  if (!snapshot.dependent_routes.empty()) {
    object["dependent_routes"] = list_to_json(snapshot.dependent_routes, device_route_to_json);
  }
  if (!snapshot.announced_losses.empty()) {
    object["announced_losses"] = list_to_json(snapshot.announced_losses, bytes_to_utf8);
  }
  if (snapshot.root_qdisc) {
    object["root_qdisc"] = {{"kind", snapshot.root_qdisc->kind},
                            {"handle", snapshot.root_qdisc->handle},
                            {"options", to_hex(snapshot.root_qdisc->options)}};
    if (snapshot.root_qdisc->has_more) object["root_qdisc"]["has_more"] = true;
  }
  if (snapshot.settings) object["settings"] = to_json(*snapshot.settings);
  if (json relations = to_json(snapshot.relations); !relations.empty()) {
    object["relations"] = std::move(relations);
  }
  return object;
}

DeviceSnapshot snapshot_from_json(const json& object) {
  DeviceSnapshot snapshot;
  snapshot.link = link_from_json(object.at("link"));
  snapshot.addresses = list_from_json(object.at("addresses"), address_from_json);
  snapshot.routes = list_from_json(object.at("routes"), route_from_json);
  snapshot.neighbours = list_from_json(object.at("neighbours"), neighbour_from_json);
  snapshot.sysctls = object.at("sysctls").get<Sysctls>();
  if (object.contains("all_devices")) {
    snapshot.all_devices = object.at("all_devices").get<Sysctls>();
  }
  snapshot.has_ingress_qdisc = object.at("has_ingress_qdisc").get<bool>();
  if (object.contains("dependent_routes")) {
    snapshot.dependent_routes =
        list_from_json(object.at("dependent_routes"), device_route_from_json);
  }
  if (object.contains("announced_losses")) {
    snapshot.announced_losses = list_from_json(object.at("announced_losses"), text_from_json);
  }
  if (object.contains("root_qdisc")) {
    const json& qdisc = object.at("root_qdisc");
    snapshot.root_qdisc = QdiscRecord{.kind = qdisc.at("kind").get<std::string>(),
                                      .handle = qdisc.at("handle").get<std::uint32_t>(),
                                      .options = bytes_from_json(qdisc.at("options")),
                                      .has_more = qdisc.contains("has_more")};
  }
  if (object.contains("relations")) {
    snapshot.relations = relations_from_json(object.at("relations"));
  }
  if (object.contains("settings")) snapshot.settings = settings_from_json(object.at("settings"));
  return snapshot;
}

}  // namespace netlend
