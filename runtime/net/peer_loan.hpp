#pragma once

#include <optional>

#include "net/kernel/identity.hpp"
#include "net/kernel/site.hpp"
#include "net/ledger/ledger.hpp"

/// Of a veth both ends can be lent, to one borrower or to two.
namespace netlend {

struct PeerLoan {
  Ledger ledger;
  Loan loan;
};

/// The loan of a veth's other end; nothing where that is at home, or was never lent.
std::optional<PeerLoan> find_peer_loan(const StateDirectory& state, Site& home,
                                       const DeviceIdentity& identity);

/// Whether a veth at `site` and one at `there`, which has the index that the first one names, say
/// of each other that they are the two ends of a pair. Nothing: the first names another namespace.
std::optional<bool> are_joined(Site& site, const LinkState& link, Site& there);

}  // namespace netlend
