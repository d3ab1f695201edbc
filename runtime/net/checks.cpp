#include "net/checks.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/lending.hpp"
#include "net/snapshot/unrestorable.hpp"

namespace netlend {

namespace {
// They answer a move with EINVAL (dev->netns_immutable); Linux 6.15 and later say so beforehand.
constexpr std::array<std::string_view, 9> kImmovableKinds{
    "bridge", "bond", "team", "vrf", "hsr", "batadv", "openvswitch", "amt", "wpan"};

// Of a tunnel kind only the device that each namespace has from its birth can't be moved.
bool is_tunnel_fallback(const LinkState& link) {
  constexpr std::array<std::string_view, 7> kNames{"tunl0",   "gre0",    "sit0",    "ip6tnl0",
                                                   "ip6gre0", "ip_vti0", "ip6_vti0"};
  return std::find(kNames.begin(), kNames.end(), link.name) != kNames.end();
}

std::optional<LinkState> select_by_name(Site& home, const DeviceSelector& selector) {
  auto link = find_link(home.socket, selector.value);
  if (!link) return std::nullopt;
  const bool by_name = link->name == selector.value;
  if (selector.by == DeviceSelector::By::name && !by_name) {
    throw Error(fmt::format("'{}' is an altname of device '{}'; write 'alt:{}'",
                            printable(selector.value), printable(link->name),
                            printable(selector.value)));
  }
  if (selector.by == DeviceSelector::By::altname && by_name) {
    throw Error(fmt::format("'{}' is the name of a device and no altname; write 'dev:{}'",
                            printable(selector.value), printable(selector.value)));
  }
  return link;
}
}  // namespace

bool is_meant(const LinkState& link, const DeviceSelector& selector) {
  switch (selector.by) {
    case DeviceSelector::By::name:
      return link.name == selector.value;
    case DeviceSelector::By::altname:
      return std::find(link.altnames.begin(), link.altnames.end(), selector.value) !=
             link.altnames.end();
    case DeviceSelector::By::mac:
      return format_link_address(link.address) == selector.value;
    case DeviceSelector::By::pci:
      return link.parent_bus == "pci" && link.parent_device == selector.value;
  }
  return false;
}

std::optional<LinkState> select_device(Site& home, const DeviceSelector& selector) {
  if (selector.by == DeviceSelector::By::name || selector.by == DeviceSelector::By::altname) {
    return select_by_name(home, selector);
  }
  std::optional<LinkState> found;
  // No GET asks by MAC or parent device.
  for (auto& link : list_links(home.socket)) {
    if (!is_meant(link, selector)) continue;
    if (found) {
      throw Error(fmt::format("'{}' means both '{}' and '{}'; name the device that you want",
                              printable(selector.value), printable(found->name),
                              printable(link.name)));
    }
    found = std::move(link);
  }
  return found;
}

std::optional<std::string> why_immovable(Site& home, const LinkState& link) {
  if (const auto phy = find_own_phy(home, link)) {
    if (phy->can_move) return std::nullopt;
    return fmt::format("is a Wi-Fi device, and the driver of its phy '{}' can't move that",
                       printable(phy->name));
  }
  if (link.is_loopback()) return "is the loopback device, and every network namespace has its own";
  if (link.netns_immutable.value_or(false) || is_tunnel_fallback(link)) {
    return "can't leave its network namespace (the kernel says so)";
  }
  if (std::find(kImmovableKinds.begin(), kImmovableKinds.end(), link.kind) !=
      kImmovableKinds.end()) {
    return fmt::format("is of kind '{}', and the kernel doesn't move those", link.kind);
  }
  return std::nullopt;
}

std::vector<std::string> why_only_by_force(const std::vector<RdmaDevice>& companions) {
  std::vector<std::string> reasons;
  for (const auto& rdma : companions) {
    const std::string name = printable(rdma.name);
    if (rdma.is_software) {
      throw Error(
          fmt::format("RDMA device '{}' is made of it, and the kernel would destroy that as "
                      "it moves; remove '{}' first",
                      name, name),
          EBUSY);
    }
    reasons.push_back(fmt::format(
        "its RDMA device '{}' stays here and loses its network until it comes home", name));
  }
  return reasons;
}

std::vector<std::string> why_only_by_force(Site& home, const DeviceSnapshot& snapshot) {
  std::vector<std::string> reasons;
  const auto has_default = std::any_of(snapshot.routes.begin(), snapshot.routes.end(),
                                       [](const RouteRecord& route) { return route.is_default(); });
  if (has_default) reasons.emplace_back("it carries a default route of this machine");
  if (const auto& wireless = snapshot.relations.wireless) {
    for (const auto& name : companions_on_phy(home, *wireless)) {
      reasons.push_back(
          fmt::format("its phy '{}' has also '{}', which goes along and is not put right",
                      printable(wireless->phy_name), printable(name)));
    }
  }
  for (auto& reason : why_only_by_force(read_companions(home, snapshot.link.name))) {
    reasons.push_back(std::move(reason));
  }
  for (const auto& what : unrestorable(home, snapshot)) {
    reasons.push_back(fmt::format("this could not be given back as it is: {}", what));
  }
  return reasons;
}

std::string_view way_by_force(const LendOptions& options) {
  // Who needs a permission asks by an annotation, and no annotation has force.
  return options.permission ? "no annotation can ask for it, only '--force' on the command line of "
                              "netlend, for what is named there"
                            : "'--force' lends it all the same";
}

Error second_gateway(const Gateway& gateway, const ContainerId& borrower) {
  return Error(fmt::format("gateway '{}': '{}' has a default route for {} already; leave it out",
                           gateway.address.str(), borrower.str(),
                           gateway.address.family() == AF_INET ? "IPv4" : "IPv6"),
               EEXIST);
}

void check_fits(const NicPlan& nic, const DeviceSnapshot& snapshot) {
  constexpr std::size_t kEthernetBytes = 6;
  if (nic.mac && snapshot.link.address.size() != kEthernetBytes) {
    throw Error(fmt::format("mac={}: device '{}' has no Ethernet address", nic.mac->str(),
                            printable(snapshot.link.name)));
  }
}

}  // namespace netlend
