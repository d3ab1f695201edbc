#include "net/l3/address_order.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace netlend {

namespace {
/// A topological sort that takes, of those that may come next, the one that stands first now.
class OrderAtHome {
 public:
  OrderAtHome(const std::vector<IpAddress>& now, const std::vector<KnownPlace>& places) {
    // One that isn't there now keeps back those that it precedes until it is placed.
    for (std::size_t i = 0; i < now.size(); ++i) places_[now[i]].rank = i + 1;
    for (const auto& known : places) {
      places_[known.address].waits_for += known.before.size();
      for (const auto& other : known.before) places_[other].followers.push_back(known.address);
    }
    for (const auto& [address, place] : places_) {
      left_.emplace(place.rank, address);
      if (place.waits_for == 0) ready_.emplace(place.rank, address);
    }
  }

  std::vector<IpAddress> run() {
    std::vector<IpAddress> order;
    while (!left_.empty()) {
      // Without any that is ready, what is left contradicts itself.
      const Ranked next = ready_.empty() ? *left_.begin() : *ready_.begin();
      place(next);
      order.push_back(next.second);
    }
    return order;
  }

 private:
  struct Place {
    std::size_t rank = 0;  // from 1; 0: it isn't there now
    std::size_t waits_for = 0;
    std::vector<IpAddress> followers;
  };
  using Ranked = std::pair<std::size_t, IpAddress>;

  void place(const Ranked& next) {
    left_.erase(next);
    ready_.erase(next);
    for (const auto& follower : places_[next.second].followers) {
      Place& after = places_[follower];
      const Ranked ranked{after.rank, follower};
      if (--after.waits_for == 0 && left_.contains(ranked)) ready_.insert(ranked);
    }
  }

  std::map<IpAddress, Place> places_;
  std::set<Ranked> left_;
  std::set<Ranked> ready_;
};

void add_places(const AddressLoan& loan, IfIndex device, int family, std::vector<KnownPlace>& all) {
  if (!loan.ports.empty()) return;  // Home has it all the time.
  for (const auto& lent : loan.addresses) {
    if (lent.device != device || lent.home.family != family) continue;
    all.push_back({lent.home.address(), lent.before});
  }
  // Whoever was killed at putting these first, the last of them before the others.
  const auto& moved = loan.put_again;
  if (moved.empty() || loan.put_again_on != device || family != AF_INET6) return;
  for (std::size_t i = 1; i < moved.size(); ++i) {
    all.push_back({moved[i - 1].address(), {moved[i].address()}});
  }
}
}  // namespace

std::vector<IpAddress> order_at_home(const std::vector<IpAddress>& now,
                                     const std::vector<KnownPlace>& places) {
  return OrderAtHome(now, places).run();
}

std::size_t count_to_put_first(const std::vector<IpAddress>& now,
                               const std::vector<IpAddress>& wanted) {
  std::size_t left = wanted.size();
  for (auto there = now.rbegin(); there != now.rend() && left > 0; ++there) {
    if (*there == wanted[left - 1]) --left;
  }
  return left;
}

std::vector<KnownPlace> own_places(const AddressScene& scene, IfIndex device, int family) {
  std::vector<KnownPlace> all;
  for (const auto& loan : scene.ledger.address_loans) add_places(loan, device, family, all);
  return all;
}

std::vector<KnownPlace> others_places(const AddressScene& scene, IfIndex device, int family) {
  std::vector<KnownPlace> all;
  for (const auto& ledger : other_address_ledgers(scene)) {
    for (const auto& loan : ledger.address_loans) add_places(loan, device, family, all);
  }
  return all;
}

std::vector<IpAddress> find_preceding(const AddressScene& scene, const LentAddress& lent,
                                      const std::vector<AddressRecord>& all) {
  const int family = lent.home.family;
  const IpAddress address = lent.home.address();
  const IpPrefix network = network_of(lent.home);
  const auto is_alternative = [&](const AddressRecord& other) {
    return other.family == family && other.scope == lent.home.scope && !owner_of(other) &&
           (family == AF_INET6 || network_of(other) == network);
  };
  std::vector<IpAddress> now;
  for (const auto& other : all) {
    if (is_alternative(other)) now.push_back(other.address());
  }
  std::vector<IpAddress> order = order_at_home(now, others_places(scene, lent.device, family));
  order.erase(std::find(order.begin(), order.end(), address), order.end());
  if (family == AF_INET) {  // What is lent of other networks, too, has its place in the ledgers.
    std::erase_if(order, [&](const IpAddress& other) {
      return IpPrefix{other, lent.home.length_bits}.network() != network;
    });
  }
  return order;
}

}  // namespace netlend
