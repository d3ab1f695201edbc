#include "net/l3/forward_firewall.hpp"

#include <algorithm>

#include "net/kernel/firewall.hpp"

namespace netlend {

namespace {
/// Whether a connection gets through that is begun from the network, or by the borrower.
bool is_open(const Firewall& firewall, const std::string& chain, const AddressLoan& loan,
             const LentAddress& lent) {
  using State = ForwardedPacket::State;
  const auto to_borrower = [&](State state) {
    return passes(firewall, chain,
                  {.from_device = lent.device_name,
                   .to_device = loan.host_name,
                   .address = lent.home.address(),
                   .is = ForwardedPacket::Is::destination,
                   .own_device = loan.host_name,
                   .state = state});
  };
  const auto from_borrower = [&](State state) {
    return passes(firewall, chain,
                  {.from_device = loan.host_name,
                   .to_device = lent.device_name,
                   .address = lent.home.address(),
                   .is = ForwardedPacket::Is::source,
                   .own_device = loan.host_name,
                   .state = state});
  };
  return (to_borrower(State::first) && from_borrower(State::answer)) ||
         (from_borrower(State::first) && to_borrower(State::answer));
}

bool is_closed(const Firewall& firewall, const std::string& chain, const AddressLoan& loan) {
  const auto& families = firewall.families;
  return std::any_of(loan.addresses.begin(), loan.addresses.end(), [&](const LentAddress& lent) {
    const bool is_met =
        std::find(families.begin(), families.end(), lent.home.family) != families.end();
    return is_met && !is_open(firewall, chain, loan, lent);
  });
}
}  // namespace

std::vector<ClosedChain> list_closed_forward_chains(const Site& home, const AddressLoan& loan) {
  std::vector<ClosedChain> closed;
  for (const auto& firewall : list_forward_firewalls(home.netns)) {
    for (const auto& entry : firewall.forward) {
      if (is_closed(firewall, entry.chain, loan)) {
        closed.push_back({.title = entry.title, .way_to_open = entry.way_to_open});
      }
    }
  }
  return closed;
}

}  // namespace netlend
