#include "net/l3/forward_firewall.hpp"

#include <linux/if_link.h>

#include <algorithm>

#include "net/kernel/firewall.hpp"
#include "net/kernel/link.hpp"

namespace netlend {

namespace {
using Device = ForwardedPacket::Device;

Device device(Site& home, const std::string& name) {
  const auto link = find_link(home.socket, name);
  if (!link) return {.name = name};
  const auto group = link->tunables.find(IFLA_GROUP);
  return {.name = name,
          .index = link->ifindex,
          .group = group == link->tunables.end() ? 0 : group->second};
}

struct Way {
  Device network;
  Device borrower;
  /// His.
  IpAddress address;
};

/// Whether a connection gets through that is begun from the network, or by the borrower.
bool is_open(const Firewall& firewall, const std::string& chain, const Way& way) {
  using State = ForwardedPacket::State;
  const auto to_borrower = [&](State state) {
    return passes(firewall, chain,
                  {.from_device = way.network,
                   .to_device = way.borrower,
                   .address = way.address,
                   .is = ForwardedPacket::Is::destination,
                   .own_device = way.borrower.name,
                   .state = state});
  };
  const auto from_borrower = [&](State state) {
    return passes(firewall, chain,
                  {.from_device = way.borrower,
                   .to_device = way.network,
                   .address = way.address,
                   .is = ForwardedPacket::Is::source,
                   .own_device = way.borrower.name,
                   .state = state});
  };
  return (to_borrower(State::first) && from_borrower(State::answer)) ||
         (from_borrower(State::first) && to_borrower(State::answer));
}

bool is_closed(Site& home, const Firewall& firewall, const std::string& chain,
               const AddressLoan& loan) {
  const auto& families = firewall.families;
  const Device borrower = device(home, loan.host_name);
  return std::any_of(loan.addresses.begin(), loan.addresses.end(), [&](const LentAddress& lent) {
    const bool is_met =
        std::find(families.begin(), families.end(), lent.home.family) != families.end();
    return is_met && !is_open(firewall, chain,
                              {.network = device(home, lent.device_name),
                               .borrower = borrower,
                               .address = lent.home.address()});
  });
}
}  // namespace

std::vector<ClosedChain> list_closed_forward_chains(Site& home, const AddressLoan& loan) {
  std::vector<ClosedChain> closed;
  for (const auto& firewall : list_forward_firewalls(home.netns)) {
    for (const auto& entry : firewall.forward) {
      if (is_closed(home, firewall, entry.chain, loan)) {
        closed.push_back({.title = entry.title, .way_to_open = entry.way_to_open});
      }
    }
  }
  return closed;
}

}  // namespace netlend
