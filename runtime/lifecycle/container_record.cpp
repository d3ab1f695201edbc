#include "lifecycle/container_record.hpp"

#include <fmt/core.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace netlend {

using nlohmann::json;

namespace {
constexpr int kMajorVersion = 1;

json to_json(const ProcessIdentity& process) {
  return {{"pid", process.pid},
          {"start_time_ticks", process.start_time_ticks},
          {"boot_id", process.boot_id},
          {"pid_namespace", process.pid_namespace}};
}

ProcessIdentity to_process(const json& value) {
  return {.pid = value.at("pid").get<pid_t>(),
          .start_time_ticks = value.at("start_time_ticks").get<std::uint64_t>(),
          .boot_id = value.at("boot_id").get<std::string>(),
          .pid_namespace = value.at("pid_namespace").get<std::uint64_t>()};
}

std::string to_path(const json& value) {
  auto path = bytes_from_utf8(value.get<std::string>());
  if (!path) throw Error("a path of it is no text");
  return *std::move(path);
}
}  // namespace

std::string timestamp_now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  std::tm utc{};
  ::gmtime_r(&time.tv_sec, &utc);
  std::array<char, 32> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:09}Z", std::string_view(text.data(), length), time.tv_nsec);
}

std::string format_record(const ContainerRecord& record) {
  json value{{"netlend", kMajorVersion},           {"id", record.id.str()},
             {"creator", to_json(record.creator)}, {"bundle", bytes_to_utf8(record.bundle)},
             {"annotations", record.annotations},  {"created", record.created}};
  if (record.init) value["init"] = to_json(*record.init);
  if (record.cgroup) {
    value["cgroup"] = {{"path", bytes_to_utf8(record.cgroup->path)}, {"made", record.cgroup->made}};
  }
  return value.dump() + "\n";
}

ContainerRecord parse_record(const std::string& text) {
  try {
    const json value = json::parse(text);
    if (value.at("netlend").get<int>() != kMajorVersion) {
      throw Error("another version of netlend wrote it");
    }
    ContainerRecord record{.id = ContainerId{value.at("id").get<std::string>()},
                           .creator = to_process(value.at("creator")),
                           .init = {},
                           .bundle = to_path(value.at("bundle")),
                           .annotations = value.at("annotations").get<oci::Annotations>(),
                           .created = value.at("created").get<std::string>(),
                           .cgroup = {}};
    if (value.contains("init")) record.init = to_process(value.at("init"));
    if (value.contains("cgroup")) {
      const auto& cgroup = value.at("cgroup");
      record.cgroup = CgroupRecord{.path = to_path(cgroup.at("path")),
                                   .made = cgroup.at("made").get<std::vector<std::string>>()};
    }
    return record;
  } catch (const json::exception& error) {
    throw Error(printable(error.what()));
  }
}

}  // namespace netlend
