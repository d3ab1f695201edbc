#include "net/snapshot/bond.hpp"

#include <linux/if_bonding.h>
#include <linux/if_link.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "net/kernel/message.hpp"

namespace netlend {

namespace {
// Documentation/networking/bonding.rst, fail_over_mac.
constexpr std::uint8_t kFollowsActivePort = 1;
constexpr std::uint8_t kGoesWithActivity = 2;

/// Source: Documentation/ABI/testing/sysfs-class-net, addr_assign_type.
bool is_address_chosen(Site& site, const LinkState& link) {
  const auto& sysfs = site.sysfs();
  if (!sysfs) {
    throw Error(fmt::format("look how the address of '{}' came about: sysfs can't be mounted",
                            printable(link.name)));
  }
  const auto type = read_attribute(sysfs->get(), "class/net/" + link.name + "/addr_assign_type");
  return type == "3";
}
}  // namespace

Bond observe_bond(Site& site, const LinkState& port, const LinkState& bond) {
  const Attributes options(bond.kind_data);
  const int mode = options.u8(IFLA_BOND_MODE).value_or(BOND_MODE_ROUNDROBIN);
  const std::uint8_t fail_over = mode == BOND_MODE_ACTIVEBACKUP
                                     ? options.u8(IFLA_BOND_FAIL_OVER_MAC).value_or(0)
                                     : std::uint8_t{0};
  const bool is_dealing =
      mode == BOND_MODE_TLB || mode == BOND_MODE_ALB || fail_over == kGoesWithActivity;
  Bond found;
  if (fail_over == 0) found.address = bond.address;
  const bool is_shared = fail_over != kFollowsActivePort && port.address == bond.address;
  found.gives_address = is_dealing || is_shared;
  found.is_address_chosen = is_address_chosen(site, bond);
  return found;
}

std::vector<std::string> bond_differences(const Bond& home, const Bond& now,
                                          const std::string& name) {
  if (home.address.empty() || now.address.empty() || now.address == home.address) return {};
  if (now.is_address_chosen) return {};
  return {fmt::format("address of bond '{}' is {}, was {} at home", printable(name),
                      format_link_address(now.address), format_link_address(home.address))};
}

void restore_bond(Restoration& restoration, const Bond& home, const LinkState& port,
                  const LinkState& bond) {
  const Bond now = observe_bond(restoration.site, port, bond);
  if (bond_differences(home, now, bond.name).empty()) return;
  restoration.call(set_link_address(
      bond.ifindex, home.address,
      restoration.doing(fmt::format("the address of bond '{}'", printable(bond.name)))));
}

}  // namespace netlend
