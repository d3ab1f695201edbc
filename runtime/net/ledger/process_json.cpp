#include "net/ledger/process_json.hpp"

#include <nlohmann/json.hpp>

namespace netlend {

using nlohmann::json;

json to_json(const ProcessIdentity& process) {
  return {{"pid", process.pid},
          {"start_time_ticks", process.start_time_ticks},
          {"boot_id", process.boot_id},
          {"pid_namespace", process.pid_namespace}};
}

ProcessIdentity process_from_json(const json& object) {
  return {.pid = object.at("pid").get<pid_t>(),
          .start_time_ticks = object.at("start_time_ticks").get<std::uint64_t>(),
          .boot_id = object.at("boot_id").get<std::string>(),
          .pid_namespace = object.at("pid_namespace").get<std::uint64_t>()};
}

}  // namespace netlend
