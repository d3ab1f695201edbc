#include "net/snapshot/attachment.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/kernel/netfilter.hpp"
#include "net/kernel/xfrm.hpp"
#include "net/snapshot/upper.hpp"

namespace netlend {

namespace {
/// The ports of the same bridge whose frames go to this one while they have no carrier.
std::vector<std::string> list_backed_up(Site& home, const LinkState& link) {
  std::vector<std::string> names;
  if (!link.master || link.master->kind != "bridge") return names;
  const std::string own(reinterpret_cast<const char*>(&link.ifindex.value), sizeof(std::uint32_t));
  for (const auto& port : list_ports(home.socket, link.master->ifindex)) {
    if (!port.master) continue;
    const auto found = port.master->port_attributes.find(IFLA_BRPORT_BACKUP_PORT);
    if (found != port.master->port_attributes.end() && found->second == own) {
      names.push_back(port.name);
    }
  }
  return names;
}
}  // namespace

std::vector<std::string> attached_losses(Site& home, const LinkState& link) {
  std::vector<std::string> losses;
  for (const auto& upper : list_uppers(home, link)) {
    if (is_destroyed_by_move(upper)) {
      throw Error(
          fmt::format("{} '{}' stands on it, and the kernel would destroy that as it moves; "
                      "remove '{}' first",
                      upper.kind, printable(upper.name), printable(upper.name)),
          EBUSY);
    }
    losses.push_back(
        fmt::format("{} '{}', which stands on it: it goes down with it, and loses its routes and "
                    "IPv6 addresses",
                    upper.kind.empty() ? "device" : upper.kind, printable(upper.name)));
  }
  for (const auto& upper : list_uppers_elsewhere(home, link)) {
    losses.push_back(fmt::format(
        "{} '{}' of another network namespace, which stands on it: it goes along, and is removed "
        "when it comes home",
        upper.link.kind, printable(upper.link.name)));
  }
  for (const auto& tunnel : list_tunnels(home, link)) {
    losses.push_back(
        fmt::format("{} '{}', which sends through it: it works again only if its index is the same",
                    tunnel.kind, printable(tunnel.name)));
  }
  if (!keeps_empty_chains()) {
    for (const auto& hook : list_netfilter_hooks(home.netns, link.name)) {
      losses.push_back(describe(hook) + ", which is hooked to it");
    }
  }
  for (const auto& port : list_backed_up(home, link)) {
    losses.push_back(fmt::format("that it is the backup port of '{}'", printable(port)));
  }
  for (const auto& offload : list_ipsec_offloads(home.netns, link.ifindex)) {
    losses.push_back(offload + ", which it does in hardware");
  }
  return losses;
}

}  // namespace netlend
