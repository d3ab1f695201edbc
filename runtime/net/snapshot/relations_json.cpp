#include <linux/fib_rules.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_mirred.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/snapshot/record_json.hpp"
#include "net/snapshot/relations.hpp"
#include "net/snapshot/rule.hpp"

namespace netlend {

using nlohmann::json;

namespace {
json record_to_json(const RawRecord& record, const std::string& text) {
  return {{"text", bytes_to_utf8(text)},
          {"header", to_hex(record.header)},
          {"attributes", raw_to_json(record.attributes)}};
}

template <typename Header>
RawRecord record_from_json(const json& object) {
  RawRecord record{.header = bytes_from_json(object.at("header")),
                   .attributes = raw_from_json(object.at("attributes"))};
  header_of<Header>(record);
  return record;
}

template <typename Describe>
void put_records(json& object, const char* key, const std::vector<RawRecord>& records,
                 Describe describe) {
  if (records.empty()) return;
  json array = json::array();
  for (const auto& record : records) array.push_back(record_to_json(record, describe(record)));
  object[key] = std::move(array);
}

template <typename Header>
std::vector<RawRecord> take_records(const json& object, const char* key) {
  std::vector<RawRecord> records;
  if (!object.contains(key)) return records;
  for (const auto& each : object.at(key)) records.push_back(record_from_json<Header>(each));
  return records;
}

json to_json(const NetfilterHook& hook) {
  return {{"text", describe(hook)},
          {"of", hook.of == NetfilterHook::Of::chain ? "chain" : "flowtable"},
          {"family", hook.family},
          {"table", bytes_to_utf8(hook.table)},
          {"name", bytes_to_utf8(hook.name)},
          {"number", to_hex(hook.number)},
          {"priority", to_hex(hook.priority)}};
}

NetfilterHook hook_from_json(const json& object) {
  return {
      .of = object.at("of") == "chain" ? NetfilterHook::Of::chain : NetfilterHook::Of::flowtable,
      .family = object.at("family"),
      .table = text_from_json(object.at("table")),
      .name = text_from_json(object.at("name")),
      .number = bytes_from_json(object.at("number")),
      .priority = bytes_from_json(object.at("priority"))};
}
}  // namespace

json to_json(const Relations& relations) {
  json object = json::object();
  if (!relations.master_name.empty()) object["master"] = bytes_to_utf8(relations.master_name);
  if (relations.port) {
    json port = json::object();
    put_records(port, "vlans", relations.port->vlans, describe_vlan);
    put_records(port, "groups", relations.port->groups, describe_group);
    object["port"] = std::move(port);
  }
  if (relations.bond) {
    object["bond"] = {{"address", to_hex(relations.bond->address)},
                      {"gives_address", relations.bond->gives_address}};
  }
  put_records(object, "forwarding", relations.forwarding.entries, describe_entry);
  for (const auto& group : relations.forwarding.groups) {
    object["multicast_addresses"].push_back(to_hex(group));
  }
  put_records(object, "rules", relations.rules, describe_rule);
  put_records(object, "mirrors", relations.mirrors, describe_mirror);
  if (relations.wireless) object["wireless"] = to_json(*relations.wireless);
  for (const auto& hook : relations.hooks) object["hooks"].push_back(to_json(hook));
  put_records(object, "functions", relations.functions, describe_function);
  if (const auto& own = relations.own_function) {
    object["own_function"] = record_to_json(own->function, describe_function(own->function));
    object["own_function"]["physical"] = bytes_to_utf8(own->physical);
  }
  return object;
}

Relations relations_from_json(const json& object) {
  Relations relations;
  if (object.contains("master")) relations.master_name = text_from_json(object.at("master"));
  if (object.contains("port")) {
    const json& port = object.at("port");
    relations.port = BridgePort{.vlans = take_records<bridge_vlan_info>(port, "vlans"),
                                .groups = take_records<br_mdb_entry>(port, "groups")};
  }
  if (object.contains("bond")) {
    const json& bond = object.at("bond");
    relations.bond = Bond{.address = bytes_from_json(bond.at("address")),
                          .gives_address = bond.at("gives_address").get<bool>()};
  }
  relations.forwarding.entries = take_records<ndmsg>(object, "forwarding");
  if (object.contains("multicast_addresses")) {
    for (const auto& group : object.at("multicast_addresses")) {
      relations.forwarding.groups.push_back(bytes_from_json(group));
    }
  }
  relations.rules = take_records<fib_rule_hdr>(object, "rules");
  relations.mirrors = take_records<tc_mirred>(object, "mirrors");
  if (object.contains("wireless")) {
    relations.wireless = wireless_from_json(object.at("wireless"));
  }
  if (object.contains("hooks")) {
    for (const auto& hook : object.at("hooks")) relations.hooks.push_back(hook_from_json(hook));
  }
  relations.functions = take_records<std::uint32_t>(object, "functions");
  if (object.contains("own_function")) {
    const json& own = object.at("own_function");
    relations.own_function = OwnFunction{.physical = text_from_json(own.at("physical")),
                                         .function = record_from_json<std::uint32_t>(own)};
  }
  return relations;
}

}  // namespace netlend
