#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// What belongs to a network device and is none itself.
struct Companions {
  /// The Wi-Fi phy that it is an interface of, with whom alone it can be moved; empty: none.
  std::string phy;
  /// The RDMA devices that reach the network through it, and stay where they are.
  std::vector<std::string> rdma;
};

/// Nothing where there is no sysfs.
Companions read_companions(Site& site, const std::string& device);

/// From the root of a sysfs. Source: net/wireless/core.c, "phy80211";
/// Documentation/ABI/stable/sysfs-class-infiniband, gid_attrs/ndevs.
Companions find_companions(int sysfs, const std::string& device);

}  // namespace netlend
