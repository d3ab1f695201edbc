#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/wireless.hpp"
#include "net/snapshot/restoration.hpp"

namespace netlend {

/// What a device is as an interface of a Wi-Fi phy, which goes and comes with it.
struct Wireless {
  /// Phy::index, and what it is called.
  std::uint32_t phy = 0;
  std::string phy_name;
  RawAttributes settings;
  /// PhyInterface::id and type of the device.
  std::uint64_t interface = 0;
  std::uint32_t type = 0;
  std::optional<std::uint32_t> power_save;
  /// The ids of all interfaces of the phy.
  std::vector<std::uint64_t> interfaces;
  bool operator==(const Wireless&) const = default;
};

/// The phy that the device is an interface of; nothing: it is no Wi-Fi device. Only sysfs is asked
/// about other devices: to ask for nl80211 would make the kernel load it.
std::optional<Phy> find_own_phy(Site& site, const LinkState& link);

/// Nothing: it is no Wi-Fi device.
std::optional<Wireless> observe_wireless(Site& site, const LinkState& link);

/// The other network devices of its phy by name, which would go along.
std::vector<std::string> companions_on_phy(Site& site, const Wireless& wireless);

/// "its phy 'phy0' and that it is of type 'managed'".
std::string describe(const Wireless& wireless);

std::vector<std::string> wireless_differences(const Wireless& home,
                                              const std::optional<Wireless>& now);

/// Where the phy is in this namespace, the device: the same interface, or, where a borrower has
/// deleted that, one that is made in its place and known by `mark`.
std::optional<LinkState> find_on_phy(Site& site, const Wireless& home, const std::string& mark);

/// Deletes the interfaces of the phy that weren't there at home, but not `device`.
void remove_foreign_interfaces(Site& site, const Wireless& home, IfIndex device,
                               const StepCallback& on_step);

/// For a device that is down: its type and power saving, the name and settings of its phy.
void restore_wireless(Restoration& restoration, const Wireless& home);

nlohmann::json to_json(const Wireless& wireless);
Wireless wireless_from_json(const nlohmann::json& object);

}  // namespace netlend
