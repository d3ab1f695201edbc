#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/kernel/generic_socket.hpp"
#include "net/kernel/link.hpp"

/// Wi-Fi: a phy, the hardware, has interfaces, which are network devices, and only as a whole moves
/// to another network namespace. Source: include/uapi/linux/nl80211.h, net/wireless/core.c.
namespace netlend {

struct Phy {
  /// The same wherever it is, and no other's until the next boot.
  std::uint32_t index = 0;
  std::string name;
  bool can_move = false;
  /// Of those that can be set: NL80211_ATTR_WIPHY_*.
  RawAttributes settings;
};

struct PhyInterface {
  /// NL80211_ATTR_WDEV: the same wherever it is.
  std::uint64_t id = 0;
  /// Nothing for one that is no network device (a P2P device).
  std::optional<IfIndex> ifindex;
  std::string name;
  /// NL80211_IFTYPE_*.
  std::uint32_t type = 0;
};

/// Nothing where the kernel has no Wi-Fi.
std::optional<GenericSocket> open_wireless(const Netns& netns);

/// The index of the phy that the device is an interface of; nothing: it is none.
std::optional<std::uint32_t> find_phy_of(GenericSocket& socket, IfIndex ifindex);
/// Nothing where it is in another namespace, or gone.
std::optional<Phy> find_phy(GenericSocket& socket, std::uint32_t index);
std::vector<PhyInterface> list_phy_interfaces(GenericSocket& socket, std::uint32_t index);
/// Nothing where the driver has no such setting.
std::optional<std::uint32_t> find_power_save(GenericSocket& socket, IfIndex ifindex);

/// All its interfaces go along and are down then. One whose name is taken there is given a free
/// "wlan%d"; where an altname is (EEXIST) nothing has changed.
Message move_phy(const GenericSocket& socket, std::uint32_t index, int netns_fd, std::string doing);
/// An empty request, to put the attributes of Phy::settings or its name into.
Message change_phy(const GenericSocket& socket, std::uint32_t index, std::string doing);
Message set_interface_type(const GenericSocket& socket, IfIndex ifindex, std::uint32_t type,
                           std::string doing);
Message set_power_save(const GenericSocket& socket, IfIndex ifindex, std::uint32_t state,
                       std::string doing);
/// Of what is wanted name and type count.
Message add_interface(const GenericSocket& socket, std::uint32_t phy, const PhyInterface& wanted,
                      std::string doing);
Message remove_interface(const GenericSocket& socket, std::uint64_t id, std::string doing);

/// "managed", as iw(8) says it.
std::string interface_type_name(std::uint32_t type);

}  // namespace netlend
