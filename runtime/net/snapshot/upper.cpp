#include "net/snapshot/upper.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <array>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/identity.hpp"
#include "net/kernel/links_over.hpp"

namespace netlend {

namespace {
constexpr std::string_view kUpperPrefix = "upper_";

constexpr std::array<const char*, 12> kTunnelKinds{"ipip",   "sit",       "gre",       "gretap",
                                                   "erspan", "vti",       "ip6tnl",    "ip6gre",
                                                   "vti6",   "ip6gretap", "ip6erspan", "xfrm"};

std::vector<std::string> upper_names(Site& site, const LinkState& link) {
  const auto& sysfs = site.sysfs();
  if (!sysfs) {
    throw Error(fmt::format("look for devices on top of '{}': sysfs can't be mounted",
                            printable(link.name)));
  }
  const UniqueFd folder{check(::openat(sysfs->get(), ("class/net/" + link.name).c_str(),
                                       O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              "open in sysfs", "class/net/" + link.name)};
  std::vector<std::string> names;
  for (const auto& name : list_names(folder.get())) {
    if (name.starts_with(kUpperPrefix)) names.push_back(name.substr(kUpperPrefix.size()));
  }
  return names;
}
}  // namespace

std::vector<LinkState> list_uppers(Site& site, const LinkState& link) {
  std::vector<LinkState> uppers;
  for (const auto& name : upper_names(site, link)) {
    auto upper = find_link(site.socket, name);
    const bool is_master = upper && link.master && upper->ifindex == link.master->ifindex;
    if (upper && !is_master) uppers.push_back(*std::move(upper));
  }
  return uppers;
}

std::vector<UpperElsewhere> list_uppers_elsewhere(Site& site, const LinkState& link,
                                                  std::optional<std::uint32_t> but_not_in) {
  // Not veth and netkit, whose other end has our index, too.
  constexpr std::array kKinds{"macvlan", "macvtap", "ipvlan", "ipvtap", "vlan"};
  const auto own_id = [&] { return nsid_of(site, site.netns); };
  auto nsids = list_nsids(site);
  for (const auto& id : {but_not_in, own_id()}) {
    if (id) std::erase(nsids, *id);
  }
  std::vector<UpperElsewhere> uppers;
  if (nsids.empty()) return uppers;
  LinksOverReader reader(site.netns, link.ifindex);
  for (const char* kind : kKinds) {
    for (const auto nsid : nsids) {
      auto over = reader.list(kind, nsid);
      if (!over) break;
      for (auto& upper : *over) {
        // Of what stands on another device with the same index, another id is said. Ours may have
        // been given as that was listed.
        const bool is_on_it = upper.lower_nsid && upper.lower_nsid == own_id();
        if (is_on_it) uppers.push_back({nsid, std::move(upper)});
      }
    }
  }
  return uppers;
}

std::vector<LinkState> list_tunnels(Site& site, const LinkState& link) {
  return list_over(site, link.ifindex, kTunnelKinds);
}

bool is_destroyed_by_move(const LinkState& upper) {
  // Their handlers of NETDEV_UNREGISTER don't ask whether the device only moves
  // (drivers/net/vxlan/vxlan_core.c, drivers/net/macsec.c).
  return upper.kind == "vxlan" || upper.kind == "macsec";
}

}  // namespace netlend
