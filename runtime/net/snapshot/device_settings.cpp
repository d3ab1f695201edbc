#include "net/snapshot/device_settings.hpp"

#include <fmt/core.h>

namespace netlend {

namespace {
void append(std::vector<std::string>& to, std::vector<std::string> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}
}  // namespace

DeviceSettings read_settings(Site& site, const LinkState& link, const QdiscRoots& roots) {
  return {.ethtool = read_ethtool(site, link),
          .queues = read_queues(site, link.name),
          .programs = read_programs(site, link),
          .traffic = read_traffic_control(site, link.ifindex, roots),
          .steering = read_steering(site, link.name)};
}

std::vector<std::string> differences(const DeviceSettings& home, const DeviceSettings& now) {
  std::vector<std::string> found = differences(home.ethtool, now.ethtool);
  append(found, differences(home.queues, now.queues));
  append(found, differences(home.programs, now.programs));
  append(found, differences(home.traffic, now.traffic));
  if (home.steering && now.steering) append(found, differences(*home.steering, *now.steering));
  return found;
}

std::vector<std::string> unrestorable(const DeviceSettings& settings) {
  return unrestorable(settings.traffic);
}

void remove_unrestorable(DeviceSettings& settings) { remove_unrestorable(settings.traffic); }

void restore_before_up(Restoration& restoration, const DeviceSettings& home) {
  restore_programs(restoration, home.programs);
  // Some drivers take some of it only once the device is up: then it is tried again, and told.
  Failures ignored;
  Restoration first{restoration.site, restoration.ifindex, restoration.name, restoration.on_step,
                    ignored};
  // A table of the borrower's for more queues would keep the channels from becoming fewer.
  if (home.steering) restore_steering(first, *home.steering);
  restore_ethtool(first, home.ethtool, Doubt::changed);
}

void restore_after_up(Restoration& restoration, const std::optional<QdiscRecord>& root,
                      const DeviceSettings& home) {
  restore_ethtool(restoration, home.ethtool, Doubt::unchanged);
  if (home.steering) restore_steering(restoration, *home.steering);
  restore_queues(restoration, home.queues);
  restore_traffic_control(restoration, root, home.traffic);
}

std::vector<std::string> describe(const DeviceSettings& settings) {
  std::vector<std::string> texts = describe(settings.traffic);
  for (const auto& program : describe(settings.programs)) {
    texts.push_back(program + ", which stays on the device and runs inside, too");
  }
  for (const auto& [section, numbers] : settings.ethtool.numbers) {
    texts.push_back(fmt::format("{} {} settings", numbers.size(), section));
  }
  for (const auto& [section, switches] : settings.ethtool.switches) {
    if (switches.empty()) continue;
    texts.push_back(fmt::format("{} {} switches", switches.size(), section));
  }
  if (settings.steering) append(texts, describe(*settings.steering));
  if (!settings.queues.empty()) {
    texts.push_back(fmt::format("{} settings of its queues", settings.queues.size()));
  }
  return texts;
}

}  // namespace netlend
