#include "net/kernel/driver.hpp"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/syscall.hpp"
#include "base/unique_fd.hpp"

namespace netlend {

std::string driver_of(const std::string& device) {
  // Not /sys/class/net: it shows the namespace of whoever mounted it, which need not be ours.
  const UniqueFd socket{
      check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket for", device)};
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  ifreq request{};
  if (device.size() >= sizeof request.ifr_name) return {};
  std::copy(device.begin(), device.end(), std::begin(request.ifr_name));
  request.ifr_data = reinterpret_cast<char*>(&info);
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) == -1) {
    if (errno == ENODEV || errno == EOPNOTSUPP) return {};
    throw_errno(errno, "read the driver of", device);
  }
  return {std::begin(info.driver), ::strnlen(info.driver, sizeof info.driver)};
}

}  // namespace netlend
