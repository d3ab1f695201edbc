#include "net/snapshot/all_devices.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace netlend {

namespace {
constexpr const char* kDisableIpv6 = "ipv6/conf/disable_ipv6";
constexpr std::array kSpread{"ipv4/conf/forwarding",       "ipv6/conf/forwarding",
                             "ipv6/conf/force_forwarding", kDisableIpv6,
                             "ipv6/conf/disable_policy",   "ipv6/conf/ignore_routes_with_linkdown"};

template <typename Record>
void remove_ipv6(std::vector<Record>& records) {
  records.erase(std::remove_if(records.begin(), records.end(),
                               [](const Record& record) { return record.family == AF_INET6; }),
                records.end());
}
}  // namespace

Sysctls read_all_devices(Site& home) {
  Sysctls found;
  for (const char* key : kSpread) {
    // Not there: without IPv6, or of a later kernel.
    if (auto value = read_sysctl(home.netns, "all", key)) found.emplace(key, *std::move(value));
  }
  return found;
}

void follow_all_devices(Site& home, DeviceSnapshot& device) {
  for (auto& [key, then] : device.all_devices) {
    const auto own = device.sysctls.find(key);
    const auto now = read_sysctl(home.netns, "all", key);
    if (!now || *now == then || own == device.sysctls.end()) continue;
    own->second = then = *now;
    if (key != kDisableIpv6 || *now == "0") continue;
    remove_ipv6(device.addresses);
    remove_ipv6(device.routes);
    remove_ipv6(device.neighbours);
  }
}

}  // namespace netlend
