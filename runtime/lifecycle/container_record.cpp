#include "lifecycle/container_record.hpp"

#include <fmt/core.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/ledger/process_json.hpp"

namespace netlend {

using nlohmann::json;

namespace {
constexpr int kMajorVersion = 1;

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
                           .creator = process_from_json(value.at("creator")),
                           .init = {},
                           .bundle = to_path(value.at("bundle")),
                           .annotations = value.at("annotations").get<oci::Annotations>(),
                           .created = value.at("created").get<std::string>(),
                           .cgroup = {}};
    if (value.contains("init")) record.init = process_from_json(value.at("init"));
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
