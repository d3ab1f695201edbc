#include "net/l3/lease_at_home.hpp"

#include <fmt/core.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "base/syscall.hpp"
#include "net/l3/routed_messages.hpp"

namespace netlend {

namespace {
/// The kernel may be some hundredths of a second early, and deadlines are whole seconds.
constexpr std::int64_t kEarlyMs = 1000;

/// Where it is no address of its borrower's any more.
void remove_rules(const AddressScene& scene, const AddressLoan& loan, const LentAddress& lent) {
  const IpPrefix own = host_prefix(lent.home.address());
  for (const auto& rule : list_fib_rules(scene.home.socket, lent.home.family)) {
    const bool lets_out = limits_sources(rule, loan) && rule.from == own;
    if (!lets_out && !sends_to_borrower(rule, loan, lent)) continue;
    scene.ensure(scene.home, remove_fib_rule(rule, "remove rule " + describe(rule)));
  }
}

void remove_inside(Site& borrower, const AddressScene& scene, const IpAddress& address) {
  for (const auto& [device, record] : find_address(borrower.socket, address)) {
    scene.ensure(borrower,
                 remove_address(device, record, fmt::format("take {} off inside", address.str())));
  }
}
}  // namespace

bool has_ended(const AddressScene& scene, const LentAddress& lent) {
  return lent.home.is_over(monotonic_ms() + kEarlyMs) &&
         find_address(scene.home.socket, lent.home.address()).empty();
}

void end_with_home(const AddressScene& scene, const AddressLoan& loan, const LentAddress& lent) {
  const IpAddress address = lent.home.address();
  scene.ensure(scene.home,
               remove_neighbour(lent.device, proxy_for(address),
                                fmt::format("answer for {} no more as a proxy", address.str())));
  remove_rules(scene, loan, lent);
  if (const auto host = find_host_end(scene.home, loan)) {
    RouteRecord route = route_to_borrower(loan, lent, host->ifindex);
    route.attributes.erase(RTA_PREFSRC);
    scene.ensure(scene.home, remove_route(host->ifindex, route,
                                          fmt::format("end the route to {}", address.str())));
  }
  if (scene.borrower != nullptr) remove_inside(*scene.borrower, scene, address);
}

void take_off_again(const AddressScene& scene, LentAddress& lent) {
  if (lent.home.family != AF_INET6) return;
  const IpAddress address = lent.home.address();
  const auto places = find_address(scene.home.socket, address);
  const auto there = std::find_if(places.begin(), places.end(), [&](const DeviceAddress& place) {
    return place.device == lent.device;
  });
  if (there == places.end()) return;
  const auto lo = find_link(scene.home.socket, std::string("lo"));
  if (!lo) return;
  lent.home.valid_until_s = there->record.valid_until_s;
  lent.home.preferred_until_s = there->record.preferred_until_s;
  constexpr std::uint32_t kWithoutEnd = IFA_F_PERMANENT;
  lent.home.flags = (lent.home.flags & ~kWithoutEnd) | (there->record.flags & kWithoutEnd);
  // Else whoever gives back would give it the former lifetime.
  save_ledger(scene.state, scene.ledger);
  scene.call(scene.home, add_address(lo->ifindex, parked(lent),
                                     fmt::format("park {} for as long", address.str())));
  scene.ensure(scene.home, remove_address(lent.device, there->record,
                                          fmt::format("take {} from '{}' again", address.str(),
                                                      lent.device_name)));
}

}  // namespace netlend
