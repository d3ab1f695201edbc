#include "net/peer_loan.hpp"

#include "net/locate.hpp"

namespace netlend {

namespace {
/// Both ends can be at home, or be lent from two namespaces.
bool is_home_of_peer(Site& home, const NetnsIdentity& netns, const DeviceIdentity& identity) {
  const bool is_own = netns == home.netns.identity();
  if (!identity.peer_nsid || is_own) return !identity.peer_nsid && is_own;
  const auto site = find_site(netns);
  return site && nsid_of(home, site->netns) == identity.peer_nsid;
}
}  // namespace

std::optional<PeerLoan> find_peer_loan(const StateDirectory& state, Site& home,
                                       const DeviceIdentity& identity) {
  if (!identity.peer || find_link_in(home.socket, *identity.peer, identity.peer_nsid)) {
    return std::nullopt;
  }
  for (const auto& name : list_ledgers(state)) {
    Failures broken;  // Whoever reads that ledger for its own sake reports it.
    std::optional<Ledger> ledger;
    attempt(broken, [&] { ledger = load_ledger(state, name); });
    if (!ledger || !is_home_of_peer(home, ledger->home, identity)) continue;
    for (const auto& loan : ledger->loans) {
      if (!loan.home || loan.home->link.ifindex != *identity.peer) continue;
      Loan found = loan;
      return PeerLoan{.ledger = *std::move(ledger), .loan = std::move(found)};
    }
  }
  return std::nullopt;
}

std::optional<bool> are_joined(Site& site, const LinkState& link, Site& there) {
  const bool is_same = site.netns.identity() == there.netns.identity();
  const auto names = [&](const LinkState& from, Site& whose, const Netns& where) {
    if (is_same || !from.lower_nsid) return is_same && !from.lower_nsid;
    return nsid_of(whose, where) == from.lower_nsid;
  };
  if (!link.lower || !names(link, site, there.netns)) return std::nullopt;
  const auto end = find_link(there.socket, *link.lower);
  return end && end->kind == "veth" && end->lower == link.ifindex && names(*end, there, site.netns);
}

}  // namespace netlend
