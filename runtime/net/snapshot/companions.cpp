#include "net/snapshot/companions.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "net/kernel/sysfs.hpp"

namespace netlend {

namespace {
/// Empty: there is no such symbolic link.
std::string target_name(int sysfs, const std::string& path) {
  const auto name = read_link_name(sysfs, path);
  if (!name && errno != ENOENT && errno != EINVAL) throw_errno(errno, "read in sysfs", path);
  return name.value_or("");
}

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

Companions find_companions(int sysfs, const std::string& device) {
  Companions found{.phy = target_name(sysfs, "class/net/" + device + "/phy80211"), .rdma = {}};
  const std::string folder = "class/infiniband";
  for (const auto& rdma : names_in(sysfs, folder)) {
    const std::string ports = fmt::format("{}/{}/ports", folder, rdma);
    for (const auto& port : names_in(sysfs, ports)) {
      if (!reaches_by(sysfs, fmt::format("{}/{}", ports, port), device)) continue;
      found.rdma.push_back(rdma);
      break;
    }
  }
  return found;
}

Companions read_companions(Site& site, const std::string& device) {
  const auto& sysfs = site.sysfs();
  return sysfs ? find_companions(sysfs->get(), device) : Companions{};
}

}  // namespace netlend
