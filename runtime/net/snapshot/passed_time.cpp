#include "net/snapshot/passed_time.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace netlend {

namespace {
constexpr const char* kPromoteSysctl = "ipv4/conf/promote_secondaries";

using Addresses = std::vector<AddressRecord>;

bool is_over(const std::optional<std::int64_t>& until_s, std::int64_t now_s) {
  return until_s && *until_s <= now_s;
}

std::string address_bytes(const AddressRecord& record) {
  return std::string(record.address().bytes());
}

bool is_ipv4(const AddressRecord& record) { return record.family == AF_INET; }

bool is_primary(const AddressRecord& record) {
  return is_ipv4(record) && (record.flags & IFA_F_SECONDARY) == 0;
}

/// Of a point-to-point address the other end's.
IpPrefix subnet_of(const AddressRecord& record) {
  const auto other_end = record.attributes.find(IFA_ADDRESS);
  const auto address = other_end == record.attributes.end()
                           ? record.address()
                           : IpAddress::from_bytes(other_end->second);
  return IpPrefix(address, record.length_bits).network();
}

bool is_secondary_of(const AddressRecord& record, const AddressRecord& primary) {
  return is_ipv4(record) && !is_primary(record) && subnet_of(record) == subnet_of(primary);
}

bool comes_from(const RouteRecord& route, const std::string& address) {
  const auto source = route.attributes.find(RTA_PREFSRC);
  return source != route.attributes.end() && source->second == address;
}

bool is_prefix_route_of(const RouteRecord& route, const AddressRecord& primary) {
  const auto destination = route.attributes.find(RTA_DST);
  return route.family == AF_INET && route.protocol == RTPROT_KERNEL &&
         route.scope == RT_SCOPE_LINK && route.destination_bits == primary.length_bits &&
         comes_from(route, address_bytes(primary)) && destination != route.attributes.end() &&
         destination->second == subnet_of(primary).address().bytes();
}

/// Source: net/ipv4/fib_frontend.c, fib_add_ifaddr.
RouteRecord make_prefix_route(const AddressRecord& primary) {
  RouteRecord route{.family = AF_INET,
                    .destination_bits = primary.length_bits,
                    .table = RT_TABLE_MAIN,
                    .protocol = RTPROT_KERNEL,
                    .scope = RT_SCOPE_LINK,
                    .type = RTN_UNICAST,
                    .attributes = {{RTA_DST, std::string(subnet_of(primary).address().bytes())},
                                   {RTA_PREFSRC, address_bytes(primary)}}};
  const auto metric = primary.attributes.find(IFA_RT_PRIORITY);
  if (metric != primary.attributes.end()) route.attributes.emplace(RTA_PRIORITY, metric->second);
  return route;
}

/// The kernel lists the IPv4 routes of a table by their destinations.
std::vector<RouteRecord>::iterator place_in_order(std::vector<RouteRecord>& routes,
                                                  const RouteRecord& added) {
  const auto destination = [](const RouteRecord& route) {
    return bytes_of(route.attributes, RTA_DST);
  };
  return std::find_if(routes.begin(), routes.end(), [&](const RouteRecord& route) {
    return route.family != AF_INET ||
           (route.table == added.table && destination(route) > destination(added));
  });
}

/// The address at `place`, and what of the device can't be without it, goes.
class Departure {
 public:
  Departure(DeviceSnapshot& home, std::size_t place)
      : home_(home), place_(static_cast<std::ptrdiff_t>(place)), gone_(home.addresses.at(place)) {
    home_.addresses.erase(home_.addresses.begin() + place_);
  }

  void carry_out(Secondaries secondaries) {
    if (is_primary(gone_)) {
      secondaries == Secondaries::promoted ? promote_first_secondary() : remove_secondaries();
    }
    forget_routes_from(gone_);
    // Without an address the device has no IPv4 (net/ipv4/fib_frontend.c, fib_inetaddr_event).
    if (is_ipv4(gone_) && std::none_of(home_.addresses.begin(), home_.addresses.end(), is_ipv4)) {
      std::erase_if(home_.routes, [](const auto& route) { return route.family == AF_INET; });
    }
  }

 private:
  void promote_first_secondary() {
    Addresses& all = home_.addresses;
    const auto heir = std::find_if(all.begin() + place_, all.end(), [&](const auto& record) {
      return is_secondary_of(record, gone_);
    });
    if (heir == all.end()) return remove_prefix_route();
    heir->flags &= ~std::uint32_t{IFA_F_SECONDARY};
    pass_on_prefix_route(*heir);
    // Behind the primaries: they come first.
    const auto first_secondary =
        std::find_if(all.begin(), heir, [](const auto& record) { return !is_primary(record); });
    std::rotate(first_secondary, heir, heir + 1);
  }
  void pass_on_prefix_route(const AddressRecord& heir) {
    auto& routes = home_.routes;
    const auto old = std::find_if(routes.begin(), routes.end(), [&](const auto& route) {
      return is_prefix_route_of(route, gone_);
    });
    if ((heir.flags & IFA_F_NOPREFIXROUTE) != 0 || !home_.link.is_up())
      return remove_prefix_route();
    RouteRecord route = make_prefix_route(heir);
    if (old == routes.end()) {
      routes.insert(place_in_order(routes, route), std::move(route));
      return;
    }
    route.table = old->table;  // It may be that of a VRF.
    // The kernel adds it behind its equals.
    if (old->place != RoutePlace::alone) route.place = RoutePlace::behind;
    *old = std::move(route);
  }
  void remove_prefix_route() {
    std::erase_if(home_.routes,
                  [&](const auto& route) { return is_prefix_route_of(route, gone_); });
  }
  void remove_secondaries() {
    remove_prefix_route();
    Addresses& all = home_.addresses;
    const auto kept = std::stable_partition(all.begin(), all.end(), [&](const auto& record) {
      return !is_secondary_of(record, gone_);
    });
    const Addresses removed(kept, all.end());
    all.erase(kept, all.end());
    for (const auto& record : removed) forget_routes_from(record);
  }
  /// The same address with another length of prefix keeps them.
  void forget_routes_from(const AddressRecord& record) {
    const std::string address = address_bytes(record);
    for (const auto& other : home_.addresses) {
      if (address_bytes(other) == address) return;
    }
    if (!is_ipv4(record)) {
      // net/ipv6/route.c, fib6_remove_prefsrc: the route stays, and has no source any more.
      for (auto& route : home_.routes) {
        if (comes_from(route, address)) route.attributes.erase(RTA_PREFSRC);
      }
      return;
    }
    std::erase_if(home_.routes, [&](const auto& route) { return comes_from(route, address); });
    std::erase_if(home_.dependent_routes,
                  [&](const auto& each) { return comes_from(each.route, address); });
  }

  DeviceSnapshot& home_;
  std::ptrdiff_t place_;
  AddressRecord gone_;
};

/// Where the address stands whose time was over first.
std::optional<std::size_t> find_departing(const Addresses& addresses, std::int64_t now_s) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (!is_over(addresses[i].valid_until_s, now_s)) continue;
    if (!first || addresses[i].valid_until_s < addresses[*first].valid_until_s) first = i;
  }
  return first;
}
}  // namespace

Secondaries secondaries_at_home(Site& home, const DeviceSnapshot& device) {
  const auto own = device.sysctls.find(kPromoteSysctl);
  const bool is_own = own != device.sysctls.end() && own->second != "0";
  const auto all = read_sysctl(home.netns, "all", kPromoteSysctl);
  return is_own || (all && *all != "0") ? Secondaries::promoted : Secondaries::removed;
}

void let_time_pass(DeviceSnapshot& home, std::int64_t now_s, Secondaries secondaries) {
  while (const auto place = find_departing(home.addresses, now_s)) {
    Departure(home, *place).carry_out(secondaries);
  }
  for (auto& record : home.addresses) {
    if (!is_over(record.preferred_until_s, now_s)) continue;
    record.preferred_until_s = 0;
    record.flags |= IFA_F_DEPRECATED;
  }
  std::erase_if(home.routes, [&](const auto& route) { return is_over(route.expires_at_s, now_s); });
}

}  // namespace netlend
