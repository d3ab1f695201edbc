#include "net/other_loans.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "net/kernel/filter.hpp"
#include "net/kernel/route_order.hpp"
#include "net/locate.hpp"
#include "net/peer_loan.hpp"

namespace netlend {

namespace {
/// Each loan of a device that was lent from this home and isn't `own`.
void for_each_other(const StateDirectory& state, const NetnsIdentity& home, IfIndex own,
                    const std::function<void(const Ledger&, const Loan&)>& visit) {
  for (const auto& name : list_ledgers(state)) {
    std::optional<Ledger> ledger;
    Failures broken;  // Whoever reads that ledger for its own sake reports it.
    attempt(broken, [&] { ledger = load_ledger(state, name); });
    if (!ledger || ledger->home != home) continue;
    for (const auto& loan : ledger->loans) {
      if (loan.home && loan.home->link.ifindex != own) visit(*ledger, loan);
    }
  }
}

void place_beside(const DeviceSnapshot& other, DeviceSnapshot& snapshot) {
  std::vector<RouteRecord> away = other.routes;
  for (const auto& [device, route] : other.dependent_routes) {
    if (device != snapshot.link.ifindex) away.push_back(route);
  }
  std::vector<RouteRecord*> routes;
  for (auto& route : snapshot.routes) routes.push_back(&route);
  for (auto& [device, route] : snapshot.dependent_routes) {
    if (device != other.link.ifindex) routes.push_back(&route);
  }
  place_beside(away, routes);
}

void aim_filters(const DeviceSnapshot& other, DeviceSnapshot& snapshot) {
  if (!snapshot.settings || other.relations.mirrors.empty()) return;
  const auto& known = other.relations.mirrors;
  const auto find_target = [&](const tc_mirred& mirror) -> std::optional<IfIndex> {
    const bool is_known =
        std::find(known.begin(), known.end(), make_record(mirror, {})) != known.end();
    return is_known ? std::optional{other.link.ifindex} : std::nullopt;
  };
  for (auto& filter : snapshot.settings->traffic.filters) {
    if (filter.why_not != kSendsNowhere) continue;
    if (aim_mirrors(filter.kind, filter.options, find_target)) filter.why_not.clear();
  }
}

struct OtherLoan {
  const Ledger& ledger;
  const Loan& loan;
};

/// A veth's other end, lent before it, is named by its index at home, and not by that which its
/// borrower has for it.
void join_ends(const StateDirectory& state, Site& home, const OtherLoan& other, LinkState& link) {
  const LinkState& peer = other.loan.home->link;
  if (link.kind != "veth" || !link.lower_nsid || peer.kind != "veth" || peer.lower_nsid ||
      peer.lower != link.ifindex) {
    return;
  }
  Failures unreachable;  // Told by whoever gives that one back.
  attempt(unreachable, [&] {
    LoanSites sites(state, other.ledger);
    const auto location = sites.locate(other.loan);
    if (!location || are_joined(home, link, *location->site) != true) return;
    link.lower = peer.ifindex;
    link.lower_nsid.reset();
  });
}
}  // namespace

void complete_by_other_loans(const StateDirectory& state, Site& home, DeviceSnapshot& snapshot) {
  for_each_other(state, home.netns.identity(), snapshot.link.ifindex,
                 [&](const Ledger& ledger, const Loan& other) {
                   place_beside(*other.home, snapshot);
                   aim_filters(*other.home, snapshot);
                   join_ends(state, home, {ledger, other}, snapshot.link);
                 });
}

std::vector<RawRecord> mirrors_at_home(const StateDirectory& state, const NetnsIdentity& home,
                                       const Loan& loan) {
  std::vector<RawRecord> mirrors = loan.home->relations.mirrors;
  if (mirrors.empty()) return mirrors;
  const IfIndex device = loan.home->link.ifindex;
  for_each_other(state, home, device, [&](const Ledger&, const Loan& other) {
    if (!other.home->settings) return;
    for (const auto& filter : other.home->settings->traffic.filters) {
      for (tc_mirred mirror : mirrors_of(filter.kind, filter.options)) {
        if (mirror.ifindex != static_cast<std::uint32_t>(device.value)) continue;
        mirror.ifindex = 0;
        std::erase_if(mirrors, [&](const RawRecord& each) {
          auto known = header_of<tc_mirred>(each);
          known.index = 0;
          return make_record(known, {}) == make_record(mirror, {});
        });
      }
    }
  });
  return mirrors;
}

std::vector<std::string> forget_routes_of_deleted(const StateDirectory& state, Site& home,
                                                  const std::set<std::string>& closed, Loan& loan) {
  std::set<IfIndex> deleted;
  for (const auto& dependent : loan.home->dependent_routes) deleted.insert(dependent.device);
  std::erase_if(deleted, [&](IfIndex device) {
    return device.value == 0 || find_link(home.socket, device).has_value();
  });
  if (deleted.empty()) return {};
  for_each_other(state, home.netns.identity(), loan.home->link.ifindex,
                 [&](const Ledger&, const Loan& other) {
                   if (!closed.contains(other.id)) deleted.erase(other.home->link.ifindex);
                 });
  std::vector<std::string> gone;
  std::erase_if(loan.home->dependent_routes, [&](const DeviceRoute& dependent) {
    if (!deleted.contains(dependent.device)) return false;
    gone.push_back(fmt::format("route {} of device {}, which was deleted",
                               describe(dependent.route), dependent.device.value));
    return true;
  });
  return gone;
}

}  // namespace netlend
