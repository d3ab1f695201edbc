#include "net/snapshot/queues.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr std::array<const char*, 3> kOfDevice{"gro_flush_timeout", "napi_defer_hard_irqs",
                                               "threaded"};
constexpr std::array<const char*, 2> kOfReceiveQueue{"rps_cpus", "rps_flow_cnt"};
// With one queue there is nothing to choose, and each takes a lock that a busy kernel holds long.
constexpr std::array<const char*, 2> kOfOneOfSeveral{"xps_cpus", "xps_rxqs"};
constexpr std::array<const char*, 4> kOfTransmitQueue{"tx_maxrate", "byte_queue_limits/limit_max",
                                                      "byte_queue_limits/limit_min",
                                                      "byte_queue_limits/hold_time"};

/// Nothing where the device hasn't that file, or it doesn't apply: xps_cpus of a device with one
/// queue answers ENOENT.
void read_setting(int folder, const std::string& path, QueueSettings& settings) {
  try {
    auto value = read_attribute(folder, path);
    if (value) settings.emplace(path, *std::move(value));
  } catch (const Error& error) {
    const int why = error.errno_value();
    if (why != ENOENT && why != EOPNOTSUPP && why != EINVAL) throw;
  }
}

std::optional<UniqueFd> open_device(Site& site, const std::string& device) {
  const auto& root = site.sysfs();
  if (!root) return std::nullopt;
  const std::string path = "class/net/" + device;
  UniqueFd folder{::openat(root->get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  check(folder.get(), "open in sysfs", path);
  return folder;
}
}  // namespace

QueueSettings read_queues(Site& site, const std::string& device) {
  QueueSettings settings;
  const auto folder = open_device(site, device);
  if (!folder) return settings;
  for (const char* name : kOfDevice) read_setting(folder->get(), name, settings);
  const UniqueFd queues{
      ::openat(folder->get(), "queues", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!queues.is_open() && errno == ENOENT) return settings;
  check(queues.get(), "open the queues of", device);
  const auto read_all_of = [&](const std::string& queue, const auto& names) {
    for (const char* name : names) {
      read_setting(folder->get(), fmt::format("queues/{}/{}", queue, name), settings);
    }
  };
  const auto names = list_names(queues.get());
  const bool has_several = std::find(names.begin(), names.end(), "tx-1") != names.end();
  for (const auto& queue : names) {
    if (queue.starts_with("rx-")) read_all_of(queue, kOfReceiveQueue);
    if (queue.starts_with("tx-")) read_all_of(queue, kOfTransmitQueue);
    if (queue.starts_with("tx-") && has_several) read_all_of(queue, kOfOneOfSeveral);
  }
  return settings;
}

std::vector<std::string> differences(const QueueSettings& home, const QueueSettings& now) {
  std::vector<std::string> found;
  for (const auto& [path, value] : home) {
    const auto have = now.find(path);
    if (have == now.end() || have->second == value) continue;
    found.push_back(
        fmt::format("{} is {}, was {} at home", path, printable(have->second), printable(value)));
  }
  return found;
}

void restore_queues(Restoration& restoration, const QueueSettings& home) {
  if (home.empty()) return;
  attempt(restoration.failures, [&] {
    // Its name may be another one still: where its own is taken.
    const std::string device = read_link(restoration.site.socket, restoration.ifindex).name;
    const QueueSettings now = read_queues(restoration.site, device);
    if (differences(home, now).empty()) return;
    const auto folder = open_device(restoration.site, device);
    for (const auto& setting : home) {
      // By reference: clang 14 captures no structured binding.
      const std::string& path = setting.first;
      const std::string& value = setting.second;
      const auto have = now.find(path);
      if (have == now.end() || have->second == value) continue;
      restoration.step(restoration.doing(path), [&] {
        const UniqueFd file{check(::openat(folder->get(), path.c_str(), O_WRONLY | O_CLOEXEC),
                                  "open in sysfs", path)};
        write_all(file.get(), value, path);
      });
    }
  });
}

}  // namespace netlend
