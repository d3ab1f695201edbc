#include "net/snapshot/unrestorable.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "net/kernel/packet_sockets.hpp"
#include "net/kernel/route_order.hpp"
#include "net/snapshot/master.hpp"

namespace netlend {

namespace {
template <typename Record>
void remove_unwritable(std::vector<Record>& records) {
  records.erase(std::remove_if(records.begin(), records.end(),
                               [](const Record& record) { return why_not_writable(record); }),
                records.end());
}

void forget_unplaceable(RouteRecord& route) {
  if (why_not_placeable(route)) route.place = RoutePlace::alone;
}

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

}  // namespace netlend
