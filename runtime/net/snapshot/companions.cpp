#include "net/snapshot/companions.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "net/kernel/sysfs.hpp"

namespace netlend {

namespace {
/// Its names; none where there is no such folder.
std::vector<std::string> names_in(int sysfs, const std::string& path) {
  const UniqueFd folder{::openat(sysfs, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.is_open() && errno == ENOENT) return {};
  check(folder.get(), "open in sysfs", path);
  return list_names(folder.get());
}

/// A port's first address is that of its network device.
bool reaches_by(int sysfs, const std::string& port, const std::string& device) {
  try {
    return read_attribute(sysfs, port + "/gid_attrs/ndevs/0") == device;
  } catch (const Error& error) {
    if (error.errno_value() == EINVAL) return false;  // It has none at this moment.
    throw;
  }
}
}  // namespace

std::vector<RdmaDevice> find_companions(int sysfs, const std::string& device) {
  std::vector<RdmaDevice> found;
  const std::string folder = "class/infiniband";
  for (const auto& rdma : names_in(sysfs, folder)) {
    const std::string ports = fmt::format("{}/{}/ports", folder, rdma);
    for (const auto& port : names_in(sysfs, ports)) {
      if (!reaches_by(sysfs, fmt::format("{}/{}", ports, port), device)) continue;
      const bool has_hardware =
          read_link_name(sysfs, fmt::format("{}/{}/device", folder, rdma)).has_value();
      found.push_back({.name = rdma, .is_software = !has_hardware});
      break;
    }
  }
  return found;
}

std::vector<RdmaDevice> read_companions(Site& site, const std::string& device) {
  const auto& sysfs = site.sysfs();
  return sysfs ? find_companions(sysfs->get(), device) : std::vector<RdmaDevice>{};
}

}  // namespace netlend
