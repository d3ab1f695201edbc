#include "net/snapshot/attachment.hpp"

#include <fmt/core.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/kernel/netfilter.hpp"
#include "net/kernel/xfrm.hpp"
#include "net/snapshot/upper.hpp"

namespace netlend {

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
  for (const auto& offload : list_ipsec_offloads(home.netns, link.ifindex)) {
    losses.push_back(offload + ", which it does in hardware");
  }
  return losses;
}

}  // namespace netlend
