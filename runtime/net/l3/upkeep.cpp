#include "net/l3/upkeep.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "net/l3/direct_path.hpp"
#include "net/l3/home_changes.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/routed.hpp"
#include "net/l3/routed_messages.hpp"
#include "net/l3/source_routes.hpp"
#include "net/l3/substitute.hpp"

namespace netlend {

namespace {
class Upkeep {
 public:
  explicit Upkeep(const AddressScene& scene) : scene_(scene), ledger_(scene.ledger) {}

  void run() {
    choose_substitutes();
    prepare_home(scene_);
    renew_source_routes(scene_, moved_);
    for (auto& loan : ledger_.address_loans) {
      if (!changes_home(mode_of(loan))) continue;
      const auto host = find_host_end(scene_.home, loan);
      if (host) keep(loan, *host);
    }
    // Last: while the ledger names the former substitute, whoever gives back sees that it is gone.
    if (!moved_.empty()) save_ledger(scene_.state, ledger_);
  }

 private:
  void choose_substitutes();
  void keep(AddressLoan& loan, IfIndex host);
  void answer(const LentAddress& lent);
  void speak_from_substitute(const RouteRecord& wanted, IfIndex host);

  const AddressScene& scene_;
  Ledger& ledger_;
  /// Those whose substitute is another now.
  std::set<IpAddress> moved_;
};

void Upkeep::choose_substitutes() {
  std::vector<IpAddress> ours;
  for (const auto& loan : ledger_.address_loans) {
    if (!loan.ports.empty()) continue;
    for (const auto& lent : loan.addresses) ours.push_back(lent.home.address());
  }
  const auto lent_now = lent_addresses(scene_, ours);
  for (auto& loan : ledger_.address_loans) {
    for (auto& lent : loan.addresses) {
      const auto all = list_addresses(scene_.home.socket, lent.device);
      const bool is_there = std::any_of(all.begin(), all.end(), [&](const AddressRecord& each) {
        return each.address().bytes() == lent.substitute;
      });
      const bool is_lent =
          !lent.substitute.empty() && lent_now.contains(IpAddress::from_bytes(lent.substitute));
      if (is_there && !is_lent) continue;
      std::string other = find_substitute(lent.home, all, lent_now);
      // Without any, home can't speak in that network until it has another address there.
      if (other.empty() || other == lent.substitute) continue;
      lent.substitute = std::move(other);
      moved_.insert(lent.home.address());
    }
  }
}

void Upkeep::keep(AddressLoan& loan, IfIndex host) {
  take_from_pair(scene_.home, loan);
  for (const auto& lent : loan.addresses) {
    if (is_answered_by_home(mode_of(loan)) && loan.ports.empty()) answer(lent);
    if (!moved_.contains(lent.home.address())) continue;
    speak_from_substitute(route_to_borrower(loan, lent, host), host);
    if (is_direct(mode_of(loan)) && scene_.borrower != nullptr) {
      const auto pair = find_link(scene_.borrower->socket, loan.host_name);
      if (pair) DirectPath(scene_, *scene_.borrower, loan).reach(pair->ifindex, lent);
    }
  }
}

/// The kernel forgets its proxy entries when the device is set down.
void Upkeep::answer(const LentAddress& lent) {
  const auto link = find_link(scene_.home.socket, lent.device);
  if (!link || !link->is_up()) return;
  const IpAddress address = lent.home.address();
  scene_.call(scene_.home, add_neighbour(lent.device, proxy_for(address),
                                         fmt::format("answer for {} again", address.str())));
}

/// Where home's own packets to the borrower come from. Never without a route to him: the new one
/// stands before the old one until that is gone.
void Upkeep::speak_from_substitute(const RouteRecord& wanted, IfIndex host) {
  for (const auto& route : list_routes(scene_.home.socket, host)) {
    const auto differs = [&](std::uint16_t attribute) {
      const auto found = route.attributes.find(attribute);
      return found == route.attributes.end() || found->second != wanted.attributes.at(attribute);
    };
    const bool is_lent = route.family == wanted.family && route.table == wanted.table &&
                         route.protocol == kNetlendProtocol && !differs(RTA_DST);
    if (!is_lent || !differs(RTA_PREFSRC)) continue;
    const std::string doing = "route " + describe(wanted);
    if (wanted.family == AF_INET6) {
      scene_.ensure(scene_.home, replace_route(host, wanted, doing));
      continue;
    }
    scene_.ensure(scene_.home, add_route_before(host, wanted, doing));
    scene_.ensure(scene_.home, remove_route(host, route, "remove route " + describe(route)));
  }
}
}  // namespace

void keep_up_addresses(const AddressScene& scene) {
  LedgerLock home = lock_home(scene);
  Upkeep(scene).run();
  home.remove();
}

}  // namespace netlend
