#include "lifecycle/container_record.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace netlend {

using nlohmann::json;

namespace {
constexpr std::size_t kRecordMaxBytes = 4096;
constexpr int kMajorVersion = 1;

std::string to_text(const ProcessIdentity& init) {
  return json{{"netlend", kMajorVersion},
              {"pid", init.pid},
              {"start_time_ticks", init.start_time_ticks},
              {"boot_id", init.boot_id},
              {"pid_namespace", init.pid_namespace}}
             .dump() +
         "\n";
}

ProcessIdentity from_text(const std::string& text) {
  const json record = json::parse(text);
  if (record.at("netlend").get<int>() != kMajorVersion) throw Error("another version wrote it");
  return {.pid = record.at("pid").get<pid_t>(),
          .start_time_ticks = record.at("start_time_ticks").get<std::uint64_t>(),
          .boot_id = record.at("boot_id").get<std::string>(),
          .pid_namespace = record.at("pid_namespace").get<std::uint64_t>()};
}
}  // namespace

std::optional<ProcessIdentity> find_container(const StateDirectory& state, const ContainerId& id) {
  const auto text = read_file_if_exists(state.containers(), id.str(), kRecordMaxBytes);
  if (!text) return std::nullopt;
  const auto broken = [&](const char* why) {
    return Error(
        fmt::format("the record '{}/containers/{}' is broken ({}); remove it if no such "
                    "container runs",
                    state.path(), id.str(), printable(why)));
  };
  try {
    auto init = from_text(*text);
    if (liveness(init) == Liveness::dead) return std::nullopt;
    return init;
  } catch (const json::exception& error) {
    throw broken(error.what());
  } catch (const Error& error) {
    throw broken(error.what());
  }
}

Failures forget_dead_containers(const StateDirectory& state) noexcept {
  Failures failures;
  attempt(failures, [&] {
    for (const auto& name : list_names(state.containers())) {
      attempt(failures, [&] {
        if (!find_container(state, ContainerId{name})) remove_file(state.containers(), name);
      });
    }
  });
  return failures;
}

ContainerRecord::ContainerRecord(const StateDirectory& state, const ContainerId& id,
                                 const ProcessIdentity& init)
    : state_(state), id_(id) {
  const auto text = to_text(init);
  while (!create_file_exclusive(state.containers(), id.str(), text)) {
    if (find_container(state, id)) {
      throw Error(fmt::format("a container '{}' is running already", id.str()), EEXIST);
    }
    remove_file(state.containers(), id.str());
  }
}

ContainerRecord::~ContainerRecord() {
  try {
    remove_file(state_.containers(), id_.str());
  } catch (const Error&) {
    // It names a dead process then, which everybody takes for no record at all.
  }
}

}  // namespace netlend
