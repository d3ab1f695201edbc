#include "net/snapshot/restore_sysctls.hpp"

#include <linux/if.h>
#include <linux/if_link.h>

namespace netlend {

namespace {
// Whoever writes it has the kernel make addresses by it. Source: net/ipv6/addrconf.c,
// addrconf_sysctl_stable_secret.
constexpr const char* kSecretSysctl = "ipv6/conf/stable_secret";

constexpr std::size_t kTokenBytes = 16;
}  // namespace

void restore_sysctls(DeviceRestoration& device, const Sysctls& wanted) {
  LinkState& now = device.now.link;
  Sysctls have;
  attempt(device.failures, [&] { have = read_sysctls(device.site.netns, now.name); });
  for (const auto& setting : wanted) {
    const auto found = have.find(setting.first);
    if (found != have.end() && found->second == setting.second) continue;
    device.step(device.doing("sysctl " + setting.first), [&] {
      write_sysctl(device.site.netns, now.name, setting.first, setting.second);
      if (setting.first == kSecretSysctl) now.addrgenmode = IN6_ADDR_GEN_MODE_STABLE_PRIVACY;
    });
  }
}

void restore_addrgenmode(DeviceRestoration& device, std::optional<std::uint8_t> mode) {
  if (!mode || device.now.link.addrgenmode == mode) return;
  device.call(set_link_addrgenmode(device.ifindex, *mode, device.doing("addrgenmode")));
  device.now.link.addrgenmode = mode;
}

/// It is taken only where the kernel would ask for routers and listen to them (net/ipv6/addrconf.c,
/// inet6_set_iftoken). What of home's keeps it from that was set after the token, and is again.
void restore_token(DeviceRestoration& device) {
  LinkState& now = device.now.link;
  if (now.ipv6_token == device.home.link.ipv6_token) return;
  if ((now.flags & IFF_NOARP) != 0 &&
      device.call(set_link_flags(device.ifindex, 0, IFF_NOARP, device.doing("the flags")))) {
    now.flags &= ~std::uint32_t{IFF_NOARP};
  }
  restore_sysctls(device, {{"ipv6/conf/accept_ra", "2"}, {"ipv6/conf/router_solicitations", "1"}});
  std::string token = device.home.link.ipv6_token;
  token.resize(kTokenBytes, '\0');
  device.call(set_link_token(device.ifindex, token, device.doing("the IPv6 token")));
}

}  // namespace netlend
