#include "net/snapshot/restore_link.hpp"

#include <linux/if.h>
#include <linux/if_link.h>

#include "net/kernel/kind_options.hpp"
#include "net/snapshot/master.hpp"
#include "net/snapshot/restore_sysctls.hpp"
#include "net/snapshot/settable.hpp"

namespace netlend {

namespace {
const std::string& wanted_address(const DeviceRestoration& device) {
  const LinkState& home = device.home.link;
  if (home.master && !device.now.link.master) return address_to_join_with(home);
  return home.address;
}

void restore_link_addresses(DeviceRestoration& device) {
  const std::string& address = wanted_address(device);
  if (device.now.link.address != address &&
      !has_given_address(device.home.relations, device.now.link)) {
    set_up(device, false);  // Many drivers take an address only while the device is down.
    device.call(set_link_address(device.ifindex, address, device.doing("the MAC address")));
  }
  const std::string& broadcast = device.home.link.broadcast;
  if (device.now.link.broadcast != broadcast) {
    device.call(change_link(device.ifindex, device.doing("the link broadcast address"))
                    .put(IFLA_BROADCAST, broadcast));
  }
}

/// The two addresses of an IP tunnel are among its options, and of other kinds the MTU follows
/// them.
void restore_kind_options(DeviceRestoration& device) {
  const LinkState& home = device.home.link;
  const auto changes = kind_option_changes(home.kind, home.kind_data, device.now.link.kind_data);
  for (const auto& options : changes) {
    Message message = change_link(device.ifindex, device.doing("the options"));
    message.begin(IFLA_LINKINFO)
        .put_string(IFLA_INFO_KIND, home.kind)
        .put(IFLA_INFO_DATA, options)
        .end();
    device.call(message);
  }
  if (!changes.empty()) attempt(device.failures, [&] { device.look_again(); });
}

void restore_flags_but_up(DeviceRestoration& device) {
  // IFF_UP has its moment of its own: addresses come first.
  const std::uint32_t wanted = settable_flags(device.home.link);
  const std::uint32_t mask = (settable_flags(device.now.link) ^ wanted) & ~std::uint32_t{IFF_UP};
  if (mask != 0) {
    device.call(set_link_flags(device.ifindex, wanted, mask, device.doing("the flags")));
  }
}

void restore_tunables(DeviceRestoration& device) {
  const auto& now = device.now.link.tunables;
  for (const auto& [type, value] : device.home.link.tunables) {
    const auto found = now.find(type);
    if (found != now.end() && found->second == value) continue;
    device.call(change_link(device.ifindex, device.doing("a limit")).put_u32(type, value));
  }
}

void restore_mode(DeviceRestoration& device) {
  const LinkState& home = device.home.link;
  const LinkState& now = device.now.link;
  if (!home.mode || now.mode == home.mode) return;
  Message message = set_link_mode(device.ifindex, *home.mode, device.doing("the link mode"));
  // The kernel heeds it only as a carrier comes: one that came up dormant would stay so
  // (net/core/link_watch.c, rfc2863_policy).
  const bool is_dormant = now.is_up() && now.has_carrier && (now.flags & IFF_RUNNING) == 0;
  if (is_dormant && *home.mode == IF_LINK_MODE_DEFAULT) {
    message.put_u8(IFLA_OPERSTATE, IF_OPER_UP);
  }
  device.call(message);
}

void restore_carrier(DeviceRestoration& device) {
  const LinkState& home = device.home.link;
  const auto& wanted = home.protocol_down;
  const auto& have = device.now.link.protocol_down;
  if (wanted && have && wanted != have) {
    device.call(set_protocol_down(device.ifindex, *wanted, wanted->reasons ^ have->reasons,
                                  device.doing("protodown")));
  }
  if (!has_settable_carrier(home) || device.now.link.has_carrier == home.has_carrier) return;
  Failures of_tap;
  attempt(home.kind == "tun" ? of_tap : device.failures, [&] {
    device.site.socket.call(
        set_link_carrier(device.ifindex, home.has_carrier, device.doing("the carrier")));
  });
}
}  // namespace

void restore_link(DeviceRestoration& device) {
  const LinkState& home = device.home.link;
  restore_kind_options(device);
  restore_link_addresses(device);
  if (device.now.link.mtu_bytes != home.mtu_bytes) {
    device.call(set_link_mtu(device.ifindex, home.mtu_bytes, device.doing("the MTU")));
  }
  restore_token(device);
  restore_flags_but_up(device);
  restore_tunables(device);
  restore_mode(device);
  restore_carrier(device);
}

void set_up(DeviceRestoration& device, bool up) {
  if (device.now.link.is_up() == up) return;
  if (device.call(
          set_link_flags(device.ifindex, up ? IFF_UP : 0, IFF_UP, device.doing("the up state")))) {
    device.now.link.flags ^= IFF_UP;
  }
}

}  // namespace netlend
