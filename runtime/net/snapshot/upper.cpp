#include "net/snapshot/upper.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/identity.hpp"

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

Message list_kind(const char* kind) {
  Message message(RTM_GETLINK, 0, fmt::format("list the devices of kind '{}'", kind));
  // Without IFLA_EXT_MASK, for which the kernel would first measure all devices to size its buffer
  // (net/core/rtnetlink.c, rtnl_calcit): nobody but home's root makes tunnels here, and none has
  // hundreds of altnames.
  message.header(ifinfomsg{});
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, kind).end();
  return message;
}

/// A kind that the kernel doesn't know is no filter to it: it sends all devices
/// (net/core/rtnetlink.c, linkinfo_to_kind_ops). The first one tells, and the rest is left with the
/// socket, in whose place comes another.
std::vector<IfIndex> list_over(const Netns& netns, RouteSocket& socket, const char* kind,
                               IfIndex lower) {
  std::vector<IfIndex> found;
  bool is_known = true;
  socket.dump(list_kind(kind), [&](const Reply& reply) {
    const auto header = reply.header<ifinfomsg>();
    const Attributes attributes = reply.attributes(sizeof header);
    is_known = attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND) == kind;
    if (!is_known) return RouteSocket::Take::enough;
    const bool is_over = attributes.u32(IFLA_LINK) == static_cast<std::uint32_t>(lower.value) &&
                         !attributes.find(IFLA_LINK_NETNSID) && header.ifi_index != lower.value;
    if (is_over) found.push_back({header.ifi_index});
    return RouteSocket::Take::no;
  });
  if (!is_known) socket = RouteSocket{netns};
  return found;
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

std::vector<UpperElsewhere> list_uppers_elsewhere(Site& site, const LinkState& link) {
  // Not veth and netkit, whose other end has our index, too.
  constexpr std::array<std::string_view, 5> kKinds{"macvlan", "macvtap", "ipvlan", "ipvtap",
                                                   "vlan"};
  std::vector<UpperElsewhere> uppers;
  for (const auto nsid : list_nsids(site)) {
    try {
      for (auto& upper : list_links_over(site.socket, link.ifindex, nsid)) {
        const bool stands_on = std::find(kKinds.begin(), kKinds.end(), upper.kind) != kKinds.end();
        // Of what stands on another device with the same index, another id is said.
        if (stands_on && upper.lower_nsid && upper.lower_nsid == nsid_of(site, site.netns)) {
          uppers.push_back({nsid, std::move(upper)});
        }
      }
    } catch (const Error& error) {
      if (error.errno_value() != EINVAL) throw;  // It ended while we looked.
    }
  }
  return uppers;
}

std::vector<LinkState> list_tunnels(Site& site, const LinkState& link) {
  std::vector<LinkState> tunnels;
  RouteSocket socket{site.netns};
  for (const char* kind : kTunnelKinds) {
    for (const auto ifindex : list_over(site.netns, socket, kind, link.ifindex)) {
      if (auto tunnel = find_link(site.socket, ifindex)) tunnels.push_back(*std::move(tunnel));
    }
  }
  return tunnels;
}

bool is_destroyed_by_move(const LinkState& upper) {
  // Their handlers of NETDEV_UNREGISTER don't ask whether the device only moves
  // (drivers/net/vxlan/vxlan_core.c, drivers/net/macsec.c).
  return upper.kind == "vxlan" || upper.kind == "macsec";
}

}  // namespace netlend
