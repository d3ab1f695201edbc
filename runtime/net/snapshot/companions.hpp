#pragma once

#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// An RDMA device that reaches the network through a network device. It stays where it is when that
/// moves.
struct RdmaDevice {
  std::string name;
  /// No hardware, but made of the network device (rxe, siw), with whose leaving it ends
  /// (drivers/infiniband/sw/rxe/rxe_net.c, NETDEV_UNREGISTER).
  bool is_software = false;
};

/// Nothing where there is no sysfs.
std::vector<RdmaDevice> read_companions(Site& site, const std::string& device);

/// From the root of a sysfs. Source: Documentation/ABI/stable/sysfs-class-infiniband,
/// gid_attrs/ndevs.
std::vector<RdmaDevice> find_companions(int sysfs, const std::string& device);

}  // namespace netlend
