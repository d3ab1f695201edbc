#pragma once

#include <string>
#include <vector>

#include "net/kernel/site.hpp"
#include "net/ledger/address_loan.hpp"

namespace netlend {

/// A chain by which no connection of a lent address gets through, from whichever side it comes.
struct ClosedChain {
  /// "chain 'FORWARD' of table 'ip filter' of nftables".
  std::string title;
  /// What root types to let all loans pass.
  std::string way_to_open;
};

/// Those of home that the loan, which is forwarded, would meet; as far as rules of firewalls can be
/// understood (kernel/firewall.hpp). Throws Error.
std::vector<ClosedChain> list_closed_forward_chains(Site& home, const AddressLoan& loan);

}  // namespace netlend
