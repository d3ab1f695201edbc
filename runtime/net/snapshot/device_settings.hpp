#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/snapshot/ethtool.hpp"
#include "net/snapshot/programs.hpp"
#include "net/snapshot/queues.hpp"
#include "net/snapshot/restoration.hpp"
#include "net/snapshot/steering.hpp"
#include "net/snapshot/traffic_control.hpp"

namespace netlend {

/// What a device is by itself beyond its link message. Each subject is a pair of files with the
/// same functions: read, differences, restore, and where it can't always be given back, why not.
struct DeviceSettings {
  EthtoolState ethtool;
  QueueSettings queues;
  Programs programs;
  TrafficControl traffic;
  /// Absent in the ledgers of a netlend that didn't look at it.
  std::optional<Steering> steering = {};
  bool operator==(const DeviceSettings&) const = default;
};

DeviceSettings read_settings(Site& site, const LinkState& link, const QdiscRoots& roots);

/// What `now` has not as `home` had it, a sentence each.
std::vector<std::string> differences(const DeviceSettings& home, const DeviceSettings& now);

/// What could not be given back as it is, a sentence each.
std::vector<std::string> unrestorable(const DeviceSettings& settings);
/// Takes that out of what is promised.
void remove_unrestorable(DeviceSettings& settings);

/// What is set while the device is still down: programs before a packet can meet them, and what
/// makes many drivers start anew.
void restore_before_up(Restoration& restoration, const DeviceSettings& home);
/// What an interface that comes up would set otherwise.
void restore_after_up(Restoration& restoration, const std::optional<QdiscRecord>& root,
                      const DeviceSettings& home);

/// In the words of the report of `plan`, what comes home.
std::vector<std::string> describe(const DeviceSettings& settings);

}  // namespace netlend
