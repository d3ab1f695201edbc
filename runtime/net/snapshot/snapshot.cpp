#include "net/snapshot/snapshot.hpp"

#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/kernel/kind_options.hpp"
#include "net/kernel/packet_sockets.hpp"
#include "net/kernel/route_order.hpp"
#include "net/snapshot/all_devices.hpp"
#include "net/snapshot/attachment.hpp"
#include "net/snapshot/master.hpp"

namespace netlend {

namespace {
constexpr std::string_view kMarkPrefix = "netlend-";
constexpr std::size_t kMarkHexDigits = 16;
constexpr std::uint32_t kSettableFlags =
    IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST | IFF_DEBUG | IFF_NOTRAILERS;

std::string_view tunable_name(std::uint16_t type) {
  switch (type) {
    case IFLA_TXQLEN:
      return "txqlen";
    case IFLA_GROUP:
      return "group";
    case IFLA_GSO_MAX_SEGS:
      return "gso_max_segs";
    case IFLA_GSO_MAX_SIZE:
      return "gso_max_size";
    case IFLA_GRO_MAX_SIZE:
      return "gro_max_size";
    default:
      return "gso_ipv4_max_size or gro_ipv4_max_size";
  }
}

class Differences {
 public:
  template <typename Value>
  void compare(std::string_view what, const Value& home, const Value& now) {
    if (home != now) found_.push_back(fmt::format("{} is {}, was {} at home", what, now, home));
  }
  void add(std::string sentence) { found_.push_back(std::move(sentence)); }
  void add(std::vector<std::string> sentences) {
    for (auto& sentence : sentences) add(std::move(sentence));
  }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

std::string quoted(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += fmt::format("{}'{}'", out.empty() ? "" : " ", name);
  return out.empty() ? "none" : out;
}

void compare_links(const LinkState& home, const LinkState& now, Differences& differences) {
  differences.compare("name", home.name, now.name);
  differences.compare("altnames", quoted(own_altnames(home)), quoted(own_altnames(now)));
  differences.compare("alias", home.alias, now.alias);
  differences.compare("mtu", home.mtu_bytes, now.mtu_bytes);
  differences.compare("address", format_link_address(home.address),
                      format_link_address(now.address));
  differences.compare("link broadcast", format_link_address(home.broadcast),
                      format_link_address(now.broadcast));
  differences.compare("flags", settable_flags(home), settable_flags(now));
  differences.compare("addrgenmode", int{home.addrgenmode.value_or(0)},
                      int{now.addrgenmode.value_or(0)});
  differences.compare("IPv6 token", format_token(home.ipv6_token), format_token(now.ipv6_token));
  differences.add(kind_option_differences(home.kind, home.kind_data, now.kind_data));
  if (home.mode) differences.compare("link mode", *home.mode, now.mode.value_or(0));
  if (home.protocol_down && now.protocol_down) {
    differences.compare("protodown", home.protocol_down->is_down, now.protocol_down->is_down);
    differences.compare("protodown reasons", home.protocol_down->reasons,
                        now.protocol_down->reasons);
  }
  // A tap's ends with the process that has it open, which is nobody's here to bring back.
  if (has_settable_carrier(home) && home.kind == "dummy") {
    differences.compare("carrier", home.has_carrier, now.has_carrier);
  }
  for (const auto& [type, value] : home.tunables) {
    const auto found = now.tunables.find(type);
    differences.compare(tunable_name(type), value, found == now.tunables.end() ? 0 : found->second);
  }
}

/// Compares lists whose order the kernel keeps; the missing and the new are named, else the order.
template <typename Record>
void compare_lists(std::string_view what, const std::vector<Record>& home,
                   const std::vector<Record>& now, Differences& differences) {
  const auto same = [](const Record& left, const Record& right) {
    if constexpr (requires { left.is_same_as(right); }) {
      return left.is_same_as(right);
    } else {
      return left == right;
    }
  };
  if (std::equal(home.begin(), home.end(), now.begin(), now.end(), same)) return;
  const auto missing_in = [&](const std::vector<Record>& list, const Record& wanted) {
    return std::none_of(list.begin(), list.end(),
                        [&](const Record& record) { return same(record, wanted); });
  };
  bool any = false;
  for (const auto& record : home) {
    if (!missing_in(now, record)) continue;
    differences.add(fmt::format("{} '{}' is missing", what, describe(record)));
    any = true;
  }
  for (const auto& record : now) {
    if (!missing_in(home, record)) continue;
    differences.add(fmt::format("{} '{}' was not there at home", what, describe(record)));
    any = true;
  }
  if (!any) differences.add(fmt::format("the order of its {}s has changed", what));
}

void compare_places(const std::vector<RouteRecord>& home, const std::vector<RouteRecord>& now,
                    Differences& differences) {
  const auto text = [](RoutePlace place) {
    if (place == RoutePlace::between) return "between";
    return place == RoutePlace::before ? "before" : "behind";
  };
  for (const auto& route : home) {
    if (route.place == RoutePlace::alone) continue;
    for (const auto& other : now) {
      if (!other.is_same_as(route) || other.place == RoutePlace::alone) continue;
      if (other.place == route.place) continue;
      differences.add(
          fmt::format("route '{}' is {} equal routes of other devices, was {} them at home",
                      describe(route), text(other.place), text(route.place)));
    }
  }
}

void compare_root_qdiscs(const std::optional<QdiscRecord>& home,
                         const std::optional<QdiscRecord>& now, Differences& differences) {
  if (!home || !now) return;
  differences.compare("root qdisc", describe(*home), describe(*now));
  if (describe(*home) != describe(*now) || home->is_default()) return;
  if (home->options != now->options) {
    differences.add(fmt::format("root qdisc {} has other options than at home", describe(*now)));
  }
}

void compare_sysctls(const Sysctls& home, const Sysctls& now, Differences& differences) {
  for (const auto& [key, value] : home) {
    const auto found = now.find(key);
    differences.compare("sysctl " + key, value,
                        found == now.end() ? std::string("absent") : found->second);
  }
}

template <typename Record>
void remove_unwritable(std::vector<Record>& records) {
  records.erase(std::remove_if(records.begin(), records.end(),
                               [](const Record& record) { return why_not_writable(record); }),
                records.end());
}

void forget_unplaceable(RouteRecord& route) {
  if (why_not_placeable(route)) route.place = RoutePlace::alone;
}

void remove_unrestorable(DeviceSnapshot& snapshot) {
  remove_unwritable(snapshot.addresses);
  remove_unwritable(snapshot.routes);
  auto& dependents = snapshot.dependent_routes;
  dependents.erase(std::remove_if(dependents.begin(), dependents.end(),
                                  [](const auto& each) { return why_not_writable(each.route); }),
                   dependents.end());
  for (auto& route : snapshot.routes) forget_unplaceable(route);
  for (auto& dependent : dependents) forget_unplaceable(dependent.route);
  if (snapshot.root_qdisc && why_not_writable(*snapshot.root_qdisc)) snapshot.root_qdisc.reset();
  if (snapshot.settings) remove_unrestorable(*snapshot.settings);
  if (snapshot.link.master && why_not_writable(*snapshot.link.master)) {
    snapshot.link.master.reset();
    forget_master(snapshot.relations);
  }
}
}  // namespace

bool is_mark(std::string_view altname) {
  return altname.size() == kMarkPrefix.size() + kMarkHexDigits &&
         altname.substr(0, kMarkPrefix.size()) == kMarkPrefix &&
         altname.find_first_not_of("0123456789abcdef", kMarkPrefix.size()) ==
             std::string_view::npos;
}

std::vector<std::string> own_altnames(const LinkState& link) {
  std::vector<std::string> names;
  std::copy_if(link.altnames.begin(), link.altnames.end(), std::back_inserter(names),
               [](const auto& name) { return !is_mark(name); });
  return names;
}

std::uint32_t settable_flags(const LinkState& link) { return link.flags & kSettableFlags; }

bool has_settable_carrier(const LinkState& link) {
  return link.kind == "dummy" || link.kind == "tun";
}

namespace {
/// `home`: what it is taken to be compared with, or null.
DeviceSnapshot take_without_settings(Site& site, IfIndex ifindex, const DeviceSnapshot* home) {
  DeviceSnapshot snapshot;
  snapshot.link = read_link(site.socket, ifindex);
  snapshot.addresses = list_addresses(site.socket, ifindex);
  snapshot.routes = list_routes(site.socket, ifindex);
  snapshot.neighbours = list_neighbours(site.socket, snapshot.link);
  snapshot.sysctls = read_sysctls(site.netns, snapshot.link.name);
  snapshot.root_qdisc = read_root_qdisc(site.socket, ifindex);
  snapshot.has_ingress_qdisc = has_ingress_qdisc(site.socket, ifindex);
  snapshot.relations =
      observe_relations(site, snapshot.link, home == nullptr ? nullptr : &home->relations);
  return snapshot;
}

DeviceSnapshot take_with_settings(Site& site, IfIndex ifindex, const DeviceSnapshot* home) {
  DeviceSnapshot snapshot = take_without_settings(site, ifindex, home);
  snapshot.settings =
      read_settings(site, snapshot.link,
                    {.root = snapshot.root_qdisc, .has_ingress = snapshot.has_ingress_qdisc});
  return snapshot;
}
}  // namespace

namespace {
/// A route through this device from another one's address may have come home with that one, after
/// this one was written down without it: it is that loan's, or somebody's at home, and stays.
void forget_routes_from_elsewhere(DeviceSnapshot& now, const DeviceSnapshot& home) {
  std::erase_if(now.routes, [&](const RouteRecord& route) {
    const auto source = route.attributes.find(RTA_PREFSRC);
    if (source == route.attributes.end()) return false;
    const bool is_own =
        std::any_of(home.addresses.begin(), home.addresses.end(), [&](const auto& address) {
          return address.family == route.family && address.address().bytes() == source->second;
        });
    return !is_own && std::none_of(home.routes.begin(), home.routes.end(),
                                   [&](const auto& each) { return each.is_same_as(route); });
  });
}
}  // namespace

DeviceSnapshot take_snapshot(Site& site, IfIndex ifindex) {
  return take_with_settings(site, ifindex, nullptr);
}

DeviceSnapshot take_snapshot_with_dependents(Site& site, IfIndex ifindex) {
  DeviceSnapshot snapshot = take_snapshot(site, ifindex);
  snapshot.all_devices = read_all_devices(site);
  snapshot.attached_losses = attached_losses(site, snapshot.link);
  find_pointers(site, snapshot.link, snapshot.relations);
  place_routes(site.socket, ifindex, snapshot.routes);
  std::vector<std::string> sources;
  // IPv4 removes such routes of the main table with the address (net/ipv4/fib_semantics.c,
  // fib_sync_down_addr); what it leaves is there already when they are given again. IPv6 takes a
  // source away from its routes through the same device only (net/ipv6/route.c,
  // fib6_remove_prefsrc).
  for (const auto& address : snapshot.addresses) {
    if (address.family == AF_INET) sources.emplace_back(address.address().bytes());
  }
  if (sources.empty()) return snapshot;
  for (auto& found : list_routes_from(site.socket, sources)) {
    const bool is_own = found.device == ifindex ||
                        std::any_of(snapshot.routes.begin(), snapshot.routes.end(),
                                    [&](const auto& own) { return own.is_same_as(found.route); });
    if (!is_own) snapshot.dependent_routes.push_back({found.device, std::move(found.route)});
  }
  place_routes(site.socket, snapshot.dependent_routes);
  return snapshot;
}

std::vector<std::string> differences(const DeviceSnapshot& home, const DeviceSnapshot& now) {
  Differences found;
  compare_links(home.link, now.link, found);
  compare_lists("address", home.addresses, now.addresses, found);
  compare_lists("route", home.routes, now.routes, found);
  compare_places(home.routes, now.routes, found);
  compare_lists("neighbour", home.neighbours, now.neighbours, found);
  compare_sysctls(home.sysctls, now.sysctls, found);
  compare_root_qdiscs(home.root_qdisc, now.root_qdisc, found);
  if (home.settings && now.settings) {
    for (auto& difference : differences(*home.settings, *now.settings)) {
      found.add(std::move(difference));
    }
  }
  found.add(master_differences({home.link.master, home.relations.master_name},
                               {now.link.master, now.relations.master_name}));
  found.add(relation_differences(home.relations, now.relations));
  return found.take();
}

std::vector<std::string> differences_now(Site& site, IfIndex ifindex, const DeviceSnapshot& home) {
  DeviceSnapshot now = home.settings ? take_with_settings(site, ifindex, &home)
                                     : take_without_settings(site, ifindex, &home);
  forget_routes_from_elsewhere(now, home);
  const bool has_places =
      std::any_of(home.routes.begin(), home.routes.end(),
                  [](const auto& route) { return route.place != RoutePlace::alone; });
  if (has_places) place_routes(site.socket, ifindex, now.routes);
  if (!home.announced_losses.empty()) remove_unrestorable(now);
  auto found = differences(home, now);
  for (auto& difference : pointer_differences(site, now.link.name, home.relations)) {
    found.push_back(std::move(difference));
  }
  return found;
}

namespace {
void add_unrestorable(const RouteRecord& route, std::string_view whose,
                      std::vector<std::string>& lost) {
  if (const auto why = why_not_writable(route)) {
    lost.push_back(fmt::format("route '{}'{} ({})", describe(route), whose, *why));
  } else if (const auto why_not = why_not_placeable(route)) {
    lost.push_back(fmt::format("the order of route '{}'{} ({})", describe(route), whose, *why_not));
  }
}
}  // namespace

std::vector<std::string> unrestorable(Site& site, const DeviceSnapshot& snapshot) {
  std::vector<std::string> lost;
  for (const auto& address : snapshot.addresses) {
    if (const auto why = why_not_writable(address)) {
      lost.push_back(fmt::format("address '{}' ({})", describe(address), *why));
    }
  }
  for (const auto& route : snapshot.routes) add_unrestorable(route, "", lost);
  for (const auto& dependent : snapshot.dependent_routes) {
    add_unrestorable(dependent.route, ", whose source is an address of it", lost);
  }
  for (const auto& nexthop : list_nexthops(site.socket, snapshot.link.ifindex)) {
    lost.push_back(fmt::format("nexthop object {}", nexthop));
  }
  if (snapshot.root_qdisc) {
    if (const auto why = why_not_writable(*snapshot.root_qdisc)) lost.push_back(*why);
  }
  if (const auto sockets = count_packet_sockets(site, snapshot.link.ifindex).listening;
      sockets > 0) {
    lost.push_back(
        fmt::format("{} packet socket{} that listen{} on it (promiscuous or "
                    "all-multicast), which it is taken from",
                    sockets, sockets == 1 ? "" : "s", sockets == 1 ? "s" : ""));
  }
  if (snapshot.settings) {
    for (auto& what : unrestorable(*snapshot.settings)) lost.push_back(std::move(what));
  }
  if (snapshot.link.master) {
    if (const auto why = why_not_writable(*snapshot.link.master)) {
      lost.push_back(fmt::format("its place in {} ({})",
                                 describe(*snapshot.link.master, snapshot.relations.master_name),
                                 *why));
    }
  }
  lost.insert(lost.end(), snapshot.attached_losses.begin(), snapshot.attached_losses.end());
  return lost;
}

void give_up_unrestorable(Site& site, DeviceSnapshot& snapshot) {
  snapshot.announced_losses = unrestorable(site, snapshot);
  remove_unrestorable(snapshot);
  snapshot.attached_losses.clear();
}

DeviceSnapshot take_comparable(Site& site, IfIndex ifindex, const DeviceSnapshot& home) {
  DeviceSnapshot now = take_without_settings(site, ifindex, &home);
  forget_routes_from_elsewhere(now, home);
  if (!home.announced_losses.empty()) remove_unrestorable(now);
  return now;
}

}  // namespace netlend
