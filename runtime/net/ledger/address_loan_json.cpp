#include "net/ledger/address_loan_json.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/ledger/ledger.hpp"
#include "net/snapshot/record_json.hpp"
#include "net/snapshot/snapshot_json.hpp"

namespace netlend {

using nlohmann::json;

namespace {
json lent_to_json(const LentAddress& lent) {
  return {{"device", lent.device.value},
          {"device_name", bytes_to_utf8(lent.device_name)},
          {"home", address_to_json(lent.home)},
          {"before", list_to_json(lent.before, [](const auto& address) { return address.str(); })},
          {"substitute", to_hex(lent.substitute)}};
}

LentAddress lent_from_json(const json& object) {
  return {
      .device = IfIndex{object.at("device").get<int>()},
      .device_name = text_from_json(object.at("device_name")),
      .home = address_from_json(object.at("home")),
      .before = list_from_json(object.at("before"),
                               [](const json& text) { return IpAddress{text.get<std::string>()}; }),
      .substitute = bytes_from_json(object.at("substitute"))};
}

json sysctl_to_json(const ChangedSysctl& sysctl) {
  json object{{"device", sysctl.device.value}, {"key", sysctl.key}, {"before", sysctl.before}};
  if (sysctl.all) object["all"] = *sysctl.all;
  return object;
}

json ports_to_json(const PortRange& range) { return {range.first, range.last}; }

PortRange ports_from_json(const json& array) {
  return {array.at(0).get<std::uint16_t>(), array.at(1).get<std::uint16_t>()};
}

ChangedSysctl sysctl_from_json(const json& object) {
  std::optional<std::string> all;
  if (object.contains("all")) all = object.at("all").get<std::string>();
  return {.device = IfIndex{object.at("device").get<int>()},
          .key = object.at("key").get<std::string>(),
          .before = object.at("before").get<std::string>(),
          .all = all};
}

json rule_to_json(const FibRule& rule) {
  json object{{"text", bytes_to_utf8(describe(rule))},
              {"family", rule.family},
              {"priority", rule.priority},
              {"action", rule.action},
              {"iif", bytes_to_utf8(rule.iif)},
              {"table", rule.table},
              {"jump_to", rule.jump_to},
              {"protocol", rule.protocol}};
  if (rule.from) object["from"] = rule.from->str();
  if (rule.to) object["to"] = rule.to->str();
  return object;
}

FibRule rule_from_json(const json& object) {
  FibRule rule{.family = object.at("family").get<int>(),
               .priority = object.at("priority").get<std::uint32_t>(),
               .action = object.at("action").get<std::uint8_t>(),
               .iif = text_from_json(object.at("iif")),
               .table = object.at("table").get<std::uint32_t>(),
               .jump_to = object.at("jump_to").get<std::uint32_t>(),
               .protocol = object.at("protocol").get<std::uint8_t>()};
  if (object.contains("from")) rule.from = IpPrefix{object.at("from").get<std::string>()};
  if (object.contains("to")) rule.to = IpPrefix{object.at("to").get<std::string>()};
  return rule;
}
}  // namespace

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::intent:
      return "intent";
    case Stage::lent:
      return "lent";
    case Stage::ready:
      return "ready";
    case Stage::returning:
      return "returning";
  }
  return "unknown";
}

Stage stage_from_json(const json& value) {
  const auto name = value.get<std::string>();
  for (const Stage stage : {Stage::intent, Stage::lent, Stage::ready, Stage::returning}) {
    if (stage_name(stage) == name) return stage;
  }
  throw Error(fmt::format("an unknown stage '{}'", printable(name)));
}

bool has_family(const AddressLoan& loan, int family) {
  return std::any_of(loan.addresses.begin(), loan.addresses.end(),
                     [&](const auto& lent) { return lent.home.family == family; });
}

std::vector<PortRange> all_ports(const AddressLoan& loan) {
  auto ports = loan.ports;
  if (loan.own_ports) ports.push_back(*loan.own_ports);
  return ports;
}

std::string address_lease(const IpAddress& address, const std::vector<PortRange>& ports,
                          const NetnsIdentity& home) {
  std::string name = fmt::format("addresses/{}-{}", address.str(), home.cookie);
  if (ports.empty()) return name;
  return fmt::format("{}-{}", name, std::min_element(ports.begin(), ports.end())->first);
}

json to_json(const AddressLoan& loan) {
  json object{{"id", loan.id},
              {"inside", bytes_to_utf8(loan.inside)},
              {"mode", loan.mode},
              {"host_name", bytes_to_utf8(loan.host_name)},
              {"host_address", to_hex(loan.host_address)},
              {"inside_address", to_hex(loan.inside_address)},
              {"stage", stage_name(loan.stage)},
              {"addresses", list_to_json(loan.addresses, lent_to_json)}};
  if (loan.upper) object["upper"] = loan.upper->value;
  if (loan.l3_id) object["l3_id"] = *loan.l3_id;
  if (loan.has_table) object["has_table"] = true;
  if (loan.has_mirrors) object["has_mirrors"] = true;
  if (!loan.ports.empty()) object["ports"] = list_to_json(loan.ports, ports_to_json);
  if (loan.own_ports) object["own_ports"] = ports_to_json(*loan.own_ports);
  if (!loan.put_again.empty()) {
    object["put_again"] = list_to_json(loan.put_again, address_to_json);
    object["put_again_on"] = loan.put_again_on.value;
  }
  return object;
}

AddressLoan address_loan_from_json(const json& object) {
  std::optional<IfIndex> upper;
  std::optional<PortRange> own_ports;
  if (object.contains("own_ports")) own_ports = ports_from_json(object.at("own_ports"));
  std::optional<std::uint32_t> l3_id;
  if (object.contains("l3_id")) l3_id = object.at("l3_id").get<std::uint32_t>();
  if (object.contains("upper")) upper = IfIndex{object.at("upper").get<int>()};
  return {.id = object.at("id").get<std::string>(),
          .inside = text_from_json(object.at("inside")),
          .mode = object.at("mode").get<std::string>(),
          .host_name = text_from_json(object.at("host_name")),
          .host_address = bytes_from_json(object.at("host_address")),
          .inside_address = bytes_from_json(object.at("inside_address")),
          .upper = upper,
          .l3_id = l3_id,
          .has_table = object.value("has_table", false),
          .has_mirrors = object.value("has_mirrors", false),
          .ports = list_from_json(object.value("ports", json::array()), ports_from_json),
          .own_ports = own_ports,
          .stage = stage_from_json(object.at("stage")),
          .addresses = list_from_json(object.at("addresses"), lent_from_json),
          .put_again = list_from_json(object.value("put_again", json::array()), address_from_json),
          .put_again_on = {object.value("put_again_on", 0)}};
}

json to_json(const HomeChanges& changes) {
  json object{{"sysctls", list_to_json(changes.sysctls, sysctl_to_json)},
              {"rules", list_to_json(changes.rules, rule_to_json)},
              {"removed_rules", list_to_json(changes.removed_rules, rule_to_json)},
              {"routes", list_to_json(changes.routes, device_route_to_json)}};
  if (!changes.ingress_qdiscs.empty()) {
    object["ingress_qdiscs"] =
        list_to_json(changes.ingress_qdiscs, [](IfIndex device) { return json(device.value); });
  }
  return object;
}

HomeChanges home_changes_from_json(const json& object) {
  return {.sysctls = list_from_json(object.at("sysctls"), sysctl_from_json),
          .rules = list_from_json(object.at("rules"), rule_from_json),
          .removed_rules = list_from_json(object.at("removed_rules"), rule_from_json),
          .routes = list_from_json(object.at("routes"), device_route_from_json),
          .ingress_qdiscs =
              list_from_json(object.value("ingress_qdiscs", json::array()),
                             [](const json& device) { return IfIndex{device.get<int>()}; })};
}

}  // namespace netlend
