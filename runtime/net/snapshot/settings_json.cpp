#include "net/snapshot/settings_json.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/snapshot/record_json.hpp"

namespace netlend {

using nlohmann::json;

namespace {
json ethtool_to_json(const EthtoolState& state) {
  json numbers = json::object();
  for (const auto& [section, settings] : state.numbers) numbers[section] = raw_to_json(settings);
  json switches = json::object();
  for (const auto& [section, settings] : state.switches) {
    json& names = switches[section] = json::object();
    for (const auto& [name, is_on] : settings) names[bytes_to_utf8(name)] = is_on;
  }
  return {{"numbers", numbers}, {"switches", switches}};
}

EthtoolState ethtool_from_json(const json& object) {
  EthtoolState state;
  for (const auto& [section, settings] : object.at("numbers").items()) {
    state.numbers[section] = raw_from_json(settings);
  }
  for (const auto& [section, settings] : object.at("switches").items()) {
    auto& switches = state.switches[section];
    for (const auto& [name, is_on] : settings.items()) {
      switches.emplace(text_from_json(name), is_on.get<bool>());
    }
  }
  return state;
}

json queues_to_json(const QueueSettings& queues) {
  json object = json::object();
  for (const auto& [path, value] : queues) object[path] = bytes_to_utf8(value);
  return object;
}

QueueSettings queues_from_json(const json& object) {
  QueueSettings queues;
  for (const auto& [path, value] : object.items()) queues.emplace(path, text_from_json(value));
  return queues;
}

json programs_to_json(const Programs& programs) {
  json xdp = json::object();
  for (const auto& [mode, program] : programs.xdp) xdp[std::to_string(mode)] = program;
  json listed = json::array();
  for (const auto& each : programs.listed) {
    listed.push_back(
        {{"attach_type", each.attach_type}, {"program", each.program}, {"link", each.link}});
  }
  return {{"xdp", xdp}, {"listed", listed}};
}

Programs programs_from_json(const json& object) {
  Programs programs;
  for (const auto& [key, program] : object.at("xdp").items()) {
    const auto mode = parse_number(key, UINT32_MAX);
    if (!mode) throw Error("it holds an XDP mode '" + printable(key) + "'");
    programs.xdp.emplace(static_cast<std::uint32_t>(*mode), program.get<std::uint32_t>());
  }
  for (const auto& each : object.at("listed")) {
    programs.listed.push_back({.attach_type = each.at("attach_type").get<std::uint32_t>(),
                               .program = each.at("program").get<std::uint32_t>(),
                               .link = each.at("link").get<std::uint32_t>()});
  }
  return programs;
}

json record_to_json(const TrafficRecord& record) {
  return {{"text", bytes_to_utf8(describe(record))},
          {"parent", record.parent},
          {"handle", record.handle},
          {"info", record.info},
          {"chain", record.chain},
          {"kind", bytes_to_utf8(record.kind)},
          {"options", to_hex(record.options)},
          {"why_not", bytes_to_utf8(record.why_not)}};
}

TrafficRecord record_from_json(const json& object) {
  return {.parent = object.at("parent").get<std::uint32_t>(),
          .handle = object.at("handle").get<std::uint32_t>(),
          .info = object.at("info").get<std::uint32_t>(),
          .chain = object.at("chain").get<std::uint32_t>(),
          .kind = text_from_json(object.at("kind")),
          .options = bytes_from_json(object.at("options")),
          .why_not = text_from_json(object.at("why_not"))};
}

template <typename Value, typename Convert>
json numbered_to_json(const std::map<std::uint32_t, Value>& map, Convert convert) {
  json object = json::object();
  for (const auto& [key, value] : map) object[std::to_string(key)] = convert(value);
  return object;
}

template <typename Value, typename Convert>
std::map<std::uint32_t, Value> numbered_from_json(const json& object, Convert convert) {
  std::map<std::uint32_t, Value> map;
  for (const auto& [key, value] : object.items()) {
    const auto number = parse_number(key, UINT32_MAX);
    if (!number) throw Error("it holds a number '" + printable(key) + "'");
    map.emplace(static_cast<std::uint32_t>(*number), convert(value));
  }
  return map;
}

constexpr auto kAsItIs = [](const auto& value) { return value; };

json steering_to_json(const Steering& steering) {
  json object{
      {"hashed_fields", numbered_to_json(steering.hashed_fields, kAsItIs)},
      {"rules", numbered_to_json(steering.rules, [](const auto& rule) { return to_hex(rule); })},
      {"tunables", numbered_to_json(steering.tunables, kAsItIs)}};
  if (steering.hash) {
    object["hash"] = {{"table", to_hex(steering.hash->table)},
                      {"key", to_hex(steering.hash->key)},
                      {"function", steering.hash->function},
                      {"transform", steering.hash->transform}};
  }
  return object;
}

Steering steering_from_json(const json& object) {
  Steering steering{
      .hash = {},
      .hashed_fields = numbered_from_json<std::uint64_t>(
          object.at("hashed_fields"), [](const json& value) { return value.get<std::uint64_t>(); }),
      .rules = numbered_from_json<std::string>(object.at("rules"), bytes_from_json),
      .tunables = numbered_from_json<std::uint32_t>(
          object.at("tunables"), [](const json& value) { return value.get<std::uint32_t>(); })};
  if (object.contains("hash")) {
    const json& hash = object.at("hash");
    steering.hash = ReceiveHash{.table = bytes_from_json(hash.at("table")),
                                .key = bytes_from_json(hash.at("key")),
                                .function = hash.at("function").get<std::uint8_t>(),
                                .transform = hash.at("transform").get<std::uint8_t>()};
  }
  return steering;
}
}  // namespace

json to_json(const DeviceSettings& settings) {
  json object{{"ethtool", ethtool_to_json(settings.ethtool)},
              {"queues", queues_to_json(settings.queues)},
              {"programs", programs_to_json(settings.programs)},
              {"qdiscs", list_to_json(settings.traffic.qdiscs, record_to_json)},
              {"classes", list_to_json(settings.traffic.classes, record_to_json)},
              {"filters", list_to_json(settings.traffic.filters, record_to_json)},
              {"chains", list_to_json(settings.traffic.chains, record_to_json)}};
  if (settings.steering) object["steering"] = steering_to_json(*settings.steering);
  return object;
}

DeviceSettings settings_from_json(const json& object) {
  DeviceSettings settings{
      .ethtool = ethtool_from_json(object.at("ethtool")),
      .queues = queues_from_json(object.at("queues")),
      .programs = programs_from_json(object.at("programs")),
      .traffic = {.qdiscs = list_from_json(object.at("qdiscs"), record_from_json),
                  .classes = list_from_json(object.at("classes"), record_from_json),
                  .filters = list_from_json(object.at("filters"), record_from_json)}};
  // Absent in the ledgers of a netlend that didn't look at them.
  if (object.contains("chains")) {
    settings.traffic.chains = list_from_json(object.at("chains"), record_from_json);
  }
  if (object.contains("steering")) settings.steering = steering_from_json(object.at("steering"));
  return settings;
}

}  // namespace netlend
