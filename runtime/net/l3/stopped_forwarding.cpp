#include "net/l3/stopped_forwarding.hpp"

#include <algorithm>
#include <set>

#include "net/kernel/sysctl.hpp"
#include "net/l3/mode.hpp"

namespace netlend {

namespace {
constexpr const char* kForwarding4 = "ipv4/conf/forwarding";
constexpr const char* kForwarding6 = "ipv6/conf/forwarding";
constexpr const char* kForceForwarding = "ipv6/conf/force_forwarding";

/// What has to be on for a device that what is lent comes and goes by.
std::vector<std::string> needed_to_forward(const Site& home, int family) {
  if (family == AF_INET) return {kForwarding4};
  // net/ipv6/ip6_output.c, ip6_forward.
  if (read_sysctl(home.netns, "all", kForwarding6) != "0") return {};
  return {kForceForwarding};
}

/// And for that on which home answers as a proxy (net/ipv4/arp.c, arp_process; net/ipv6/ndisc.c,
/// ndisc_recv_ns).
std::vector<std::string> needed_to_answer(const Site& home, int family) {
  auto needed = needed_to_forward(home, family);
  if (family == AF_INET6) needed.insert(needed.end(), {kForwarding6, "ipv6/conf/proxy_ndp"});
  return needed;
}
}  // namespace

std::vector<std::string> list_stopped_forwarding(Site& home, const AddressLoan& loan) {
  const AddressMode mode = mode_of(loan);
  std::set<std::string> stopped;
  const auto look = [&](const std::string& device, const std::vector<std::string>& keys) {
    for (const auto& key : keys) {
      if (read_sysctl(home.netns, device, key) == "0") stopped.insert(sysctl_name(key, device));
    }
  };
  for (const auto& lent : loan.addresses) {
    const auto link = find_link(home.socket, lent.device);
    if (!link || !is_answered_by_home(mode)) continue;
    look(link->name, needed_to_answer(home, lent.home.family));
    if (is_forwarded(mode)) look(loan.host_name, needed_to_forward(home, lent.home.family));
  }
  return {stopped.begin(), stopped.end()};
}

}  // namespace netlend
