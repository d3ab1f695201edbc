#include "net/l3/own_routes.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>
#include <set>

#include "net/l3/mode.hpp"
#include "net/l3/source_routes.hpp"

namespace netlend {

namespace {
constexpr int kAddressBits = 32;
/// Longer prefixes have no broadcast address (RFC 3021).
constexpr int kBroadcastBitsMax = 30;

/// The addresses that routes have taken from home, and what it speaks from instead, in raw bytes.
using Shadowed = std::map<std::string, std::string>;

void add_shadowed(Shadowed& shadowed, const Ledger& ledger) {
  for (const auto& loan : ledger.address_loans) {
    if (!loan.ports.empty() || !changes_home(mode_of(loan))) continue;
    for (const auto& lent : loan.addresses) {
      if (lent.home.family != AF_INET) continue;
      shadowed.emplace(lent.home.address().bytes(), lent.substitute);
    }
  }
}

bool is_first(const AddressRecord& address) { return (address.flags & IFA_F_SECONDARY) == 0; }

/// Not that of a point-to-point link, which has its peer's.
bool has_own_network(const AddressRecord& address) {
  return address.family == AF_INET &&
         bytes_of(address.attributes, IFA_ADDRESS) == address.address().bytes();
}

/// The address that routes for `address` name: inet_ifa_byprefix().
const AddressRecord* first_of_network(const std::vector<AddressRecord>& all,
                                      const AddressRecord& address) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const AddressRecord& each) {
    return has_own_network(each) && is_first(each) && network_of(each) == network_of(address);
  });
  return found == all.end() ? nullptr : &*found;
}

/// What the kernel enters for one address (net/ipv4/fib_frontend.c, fib_add_ifaddr).
class KernelRoutes {
 public:
  KernelRoutes(const AddressRecord& address, std::string first)
      : address_(address), first_(std::move(first)) {}

  std::vector<RouteRecord> list(bool is_up) const {
    std::vector<RouteRecord> routes{
        route(RTN_LOCAL, std::string(address_.address().bytes()), kAddressBits)};
    if (!is_up) return routes;
    const std::string broadcast(bytes_of(address_.attributes, IFA_BROADCAST));
    if (!broadcast.empty()) routes.push_back(route(RTN_BROADCAST, broadcast, kAddressBits));
    if (is_first(address_) && address_.length_bits < kAddressBits) add_network(routes, broadcast);
    return routes;
  }

 private:
  RouteRecord route(std::uint8_t type, std::string destination, int bits) const {
    const bool is_network = type == RTN_UNICAST;
    return {.family = AF_INET,
            .destination_bits = bits,
            .table = is_network ? std::uint32_t{RT_TABLE_MAIN} : std::uint32_t{RT_TABLE_LOCAL},
            .protocol = RTPROT_KERNEL,
            .scope = type == RTN_LOCAL ? std::uint8_t{RT_SCOPE_HOST} : std::uint8_t{RT_SCOPE_LINK},
            .type = type,
            .attributes = {{RTA_DST, std::move(destination)}, {RTA_PREFSRC, first_}},
            .expires_at_s = {}};
  }

  void add_network(std::vector<RouteRecord>& routes, const std::string& broadcast) const {
    const IpPrefix network = network_of(address_);
    if ((address_.flags & IFA_F_NOPREFIXROUTE) == 0) {
      routes.push_back(
          route(RTN_UNICAST, std::string(network.address().bytes()), address_.length_bits));
      const std::string_view metric = bytes_of(address_.attributes, IFA_RT_PRIORITY);
      if (!metric.empty()) routes.back().attributes.emplace(RTA_PRIORITY, metric);
    }
    if (address_.length_bits > kBroadcastBitsMax) return;
    std::string last(network.address().bytes());
    for (int bit = address_.length_bits; bit < kAddressBits; ++bit) {
      auto& byte = last.at(static_cast<std::size_t>(bit) / 8);
      byte = static_cast<char>(static_cast<unsigned char>(byte) | (0x80U >> (bit % 8)));
    }
    if (last != broadcast) routes.push_back(route(RTN_BROADCAST, last, kAddressBits));
  }

  const AddressRecord& address_;
  std::string first_;
};

/// The addresses that are lent now, and those that have come home.
struct Turn {
  Shadowed away;
  Shadowed back;
};

/// Puts in order what one device has of such routes.
class OwnRoutes {
 public:
  /// `others`: who else lends addresses of this home.
  OwnRoutes(const AddressScene& scene, const std::vector<Ledger>& others, Failures& failures)
      : scene_(scene), others_(others), failures_(failures) {}

  void settle(IfIndex device, const Turn& turn);

 private:
  bool is_there(IfIndex device, const RouteRecord& route,
                const std::vector<RouteRecord>& now) const;
  std::vector<RouteRecord> missing(const LinkState& link, const Turn& turn,
                                   const std::vector<RouteRecord>& now) const;
  bool is_kept_for_source(IfIndex device, const RouteRecord& route) const;
  void carry_out(const Message& message) {
    attempt(failures_, [&] { scene_.ensure(scene_.home, message); });
  }

  const AddressScene& scene_;
  const std::vector<Ledger>& others_;
  Failures& failures_;
};

bool is_ours(const RouteRecord& route) { return route.protocol == kNetlendProtocol; }

/// The route of the network whose source was changed for a loan (l3/source_routes.hpp).
bool OwnRoutes::is_kept_for_source(IfIndex device, const RouteRecord& route) const {
  const auto has = [&](const Ledger& ledger) {
    const auto& routes = ledger.home_changes.routes;
    return std::any_of(routes.begin(), routes.end(), [&](const DeviceRoute& each) {
      return is_same_place(each, {device, route});
    });
  };
  return has(scene_.ledger) || std::any_of(others_.begin(), others_.end(), has);
}

bool OwnRoutes::is_there(IfIndex device, const RouteRecord& route,
                         const std::vector<RouteRecord>& now) const {
  const bool is_now = std::any_of(now.begin(), now.end(), [&](const RouteRecord& each) {
    return !is_ours(each) && each.type == route.type && !each.attributes.contains(RTA_MULTIPATH) &&
           is_same_place({device, each}, {device, route});
  });
  return is_now || is_kept_for_source(device, route);
}

/// What of it is missing, in the form that the kernel takes now.
std::vector<RouteRecord> OwnRoutes::missing(const LinkState& link, const Turn& turn,
                                            const std::vector<RouteRecord>& now) const {
  std::vector<RouteRecord> missing;
  const auto all = list_addresses(scene_.home.socket, link.ifindex);
  for (const auto& address : all) {
    const auto* first = has_own_network(address) ? first_of_network(all, address) : nullptr;
    if (first == nullptr) continue;
    const std::string source(first->address().bytes());
    const auto is_away = turn.away.find(source);
    if (is_away == turn.away.end() && !turn.back.contains(source)) continue;
    for (auto& route : KernelRoutes(address, source).list(link.is_up())) {
      if (is_there(link.ifindex, route, now)) continue;
      if (is_away != turn.away.end()) {
        route.protocol = kNetlendProtocol;
        // Of itself an address is always a source.
        route.attributes[RTA_PREFSRC] =
            route.type == RTN_LOCAL ? route.attributes.at(RTA_DST) : is_away->second;
      }
      missing.push_back(std::move(route));
    }
  }
  // Those to addresses first: the others may name one of these as their source.
  std::stable_partition(missing.begin(), missing.end(),
                        [](const RouteRecord& route) { return route.type == RTN_LOCAL; });
  return missing;
}

void OwnRoutes::settle(IfIndex device, const Turn& turn) {
  const auto link = find_link(scene_.home.socket, device);
  // To what is in a VRF, the table of local addresses is another.
  if (!link || (link->master && link->master->kind == "vrf")) return;
  const auto now = list_all_routes(scene_.home.socket, device, AF_INET);
  const auto needed = missing(*link, turn, now);
  const auto is_in = [](const std::vector<RouteRecord>& list, const RouteRecord& route) {
    return std::any_of(list.begin(), list.end(),
                       [&](const RouteRecord& each) { return each.is_same_as(route); });
  };
  for (const auto& route : needed) {
    if (!is_in(now, route)) carry_out(add_route(device, route, "enter route " + describe(route)));
  }
  for (const auto& route : now) {
    if (!is_ours(route) || is_in(needed, route)) continue;
    carry_out(remove_route(device, route, "remove route " + describe(route)));
  }
}

std::set<IfIndex> ipv4_devices(const Ledger& ledger) {
  std::set<IfIndex> devices;
  for (const auto& loan : ledger.address_loans) {
    for (const auto& lent : loan.addresses) {
      if (lent.home.family == AF_INET) devices.insert(lent.device);
    }
  }
  return devices;
}

/// `turn`: of the scene's own ledger.
void settle_devices(const AddressScene& scene, Turn turn, Failures& failures) {
  const auto others = other_address_ledgers(scene);
  for (const auto& other : others) add_shadowed(turn.away, other);
  for (const IfIndex device : ipv4_devices(scene.ledger)) {
    attempt(failures, [&] { OwnRoutes(scene, others, failures).settle(device, turn); });
  }
}
}  // namespace

void enter_own_routes(const AddressScene& scene, Failures& failures) {
  Turn turn;
  add_shadowed(turn.away, scene.ledger);
  settle_devices(scene, std::move(turn), failures);
}

void restore_own_routes(const AddressScene& scene, Failures& failures) {
  Turn turn;
  add_shadowed(turn.back, scene.ledger);
  settle_devices(scene, std::move(turn), failures);
}

}  // namespace netlend
