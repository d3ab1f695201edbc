#include "cli/show_json.hpp"

#include <linux/if.h>
#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/loans_json.hpp"
#include "net/snapshot/settable.hpp"
#include "net/snapshot/settings_json.hpp"

namespace netlend::cli {

using json = nlohmann::ordered_json;

namespace {
std::string_view role_name(Role role) {
  switch (role) {
    case Role::home:
      return "home";
    case Role::borrower:
      return "borrower";
    case Role::staging:
      return "staging";
  }
  return "unknown";
}

json flags_to_json(std::uint32_t flags) {
  struct Flag {
    std::uint32_t bit;
    const char* name;
  };
  constexpr std::array kFlags{Flag{IFF_UP, "up"},
                              Flag{IFF_NOARP, "noarp"},
                              Flag{IFF_PROMISC, "promisc"},
                              Flag{IFF_ALLMULTI, "allmulticast"},
                              Flag{IFF_MULTICAST, "multicast"},
                              Flag{IFF_DEBUG, "debug"},
                              Flag{IFF_NOTRAILERS, "notrailers"}};
  json names = json::array();
  for (const auto& flag : kFlags) {
    if ((flags & flag.bit) != 0) names.push_back(flag.name);
  }
  return names;
}

json raw_to_json(const RawAttributes& attributes) {
  json object = json::object();
  for (const auto& [type, bytes] : attributes) object[std::to_string(type)] = to_hex(bytes);
  return object;
}

json master_to_json(const DeviceView& device) {
  const LinkMaster& master = *device.state.link.master;
  return {{"name", bytes_to_utf8(device.master_name)},
          {"ifindex", master.ifindex.value},
          {"kind", master.kind},
          {"port_attributes", raw_to_json(master.port_attributes)}};
}

const char* family_name(int family) { return family == AF_INET ? "inet" : "inet6"; }

json address_to_json(const AddressRecord& address) {
  json object{{"text", bytes_to_utf8(describe(address))},
              {"family", family_name(address.family)},
              {"address", address.address().str()},
              {"length_bits", address.length_bits}};
  if (address.valid_until_s) object["valid_until_s"] = *address.valid_until_s;
  if (address.preferred_until_s) object["preferred_until_s"] = *address.preferred_until_s;
  return object;
}

json route_to_json(const RouteRecord& route) {
  return {{"text", bytes_to_utf8(describe(route))},
          {"family", family_name(route.family)},
          {"table", route.table}};
}

void put_link(json& object, const LinkState& link) {
  object["ifindex"] = link.ifindex.value;
  object["name"] = bytes_to_utf8(link.name);
  object["altnames"] = json::array();
  for (const auto& altname : link.altnames) object["altnames"].push_back(bytes_to_utf8(altname));
  object["alias"] = bytes_to_utf8(link.alias);
  object["kind"] = link.kind;
  object["kind_options"] = to_hex(link.kind_data);
  object["flags"] = flags_to_json(settable_flags(link));
  object["carrier"] = link.has_carrier;
  object["mtu_bytes"] = link.mtu_bytes;
  object["address"] = format_link_address(link.address);
  object["broadcast"] = format_link_address(link.broadcast);
  object["permanent_address"] = format_link_address(link.permanent_address);
  object["parent"] = link.parent_bus.empty() ? "" : link.parent_bus + " " + link.parent_device;
  for (const auto& [type, value] : link.tunables) object[tunable_name(type)] = value;
  if (!link.ipv6_token.empty()) {
    object["ipv6_token"] = format_token(link.ipv6_token);
  }
  if (link.addrgenmode) object["addrgenmode"] = *link.addrgenmode;
}

json device_to_json(const DeviceView& device) {
  json object;
  put_link(object, device.state.link);
  if (device.state.link.master) object["master"] = master_to_json(device);
  if (device.state.root_qdisc) object["qdisc"] = describe(*device.state.root_qdisc);
  object["has_ingress_qdisc"] = device.state.has_ingress_qdisc;
  object["addresses"] = json::array();
  for (const auto& address : device.state.addresses) {
    object["addresses"].push_back(address_to_json(address));
  }
  object["routes"] = json::array();
  for (const auto& route : device.state.routes) object["routes"].push_back(route_to_json(route));
  object["neighbours"] = json::array();
  for (const auto& neighbour : device.state.neighbours) {
    object["neighbours"].push_back(
        {{"text", bytes_to_utf8(describe(neighbour))}, {"family", family_name(neighbour.family)}});
  }
  object["sysctls"] = json(device.state.sysctls);
  if (device.state.settings) object["settings"] = to_json(*device.state.settings);
  if (device.loan_id) object["loan"] = *device.loan_id;
  return object;
}

json namespace_to_json(const NamespaceView& shown) {
  json object{{"role", role_name(shown.role)},
              {"name", bytes_to_utf8(shown.name)},
              {"inode", shown.identity.inode},
              {"cookie", shown.identity.cookie},
              {"devices", json::array()}};
  for (const auto& device : shown.devices) object["devices"].push_back(device_to_json(device));
  return object;
}
}  // namespace

json show_to_json(const Books& books, const Observation& observation) {
  json object{{"netlend", 1}, {"namespaces", json::array()}};
  for (const auto& shown : observation.namespaces) {
    object["namespaces"].push_back(namespace_to_json(shown));
  }
  object["loans"] = loans_to_json(books, observation.ledgers);
  return object;
}

}  // namespace netlend::cli
