#pragma once

#include "base/error.hpp"
#include "net/l3/scene.hpp"
#include "net/ledger/lock.hpp"

namespace netlend {

/// Where netlend's rules stand among the others. A packet goes through them by these numbers.
struct RulePlaces {
  /// The rule that asks the table of the host's own addresses.
  std::uint32_t local = 0;
  /// What a borrower sends from another address than its own ends here; else it goes on at `go_on`.
  std::uint32_t own_source = 0;
  std::uint32_t foreign_source = 0;
  std::uint32_t go_on = 0;
  /// The rules that send what is for a lent address to its borrower, where a rule does.
  std::uint32_t to_borrower = 0;
  /// Behind that for the host's own addresses, wherever netlend may move it.
  std::uint32_t behind_local = 0;
};

/// How an address is sent to its borrower: a route in the table of local addresses can't tell ports
/// apart, nor has IPv6 an order in it.
enum class SentBy { route, rule };
SentBy sent_by(const AddressLoan& loan, int family);

/// Throws Error where the rules of this machine leave no room.
RulePlaces rule_places(Site& home, int family, SentBy by);

/// One at a time lends addresses of a home, or puts back what several need: another's loan may take
/// what this one goes by. Held from before they are observed until they are lent. Throws Error.
LedgerLock lock_home(const AddressScene& scene);

/// Makes home one that can lend the addresses of the ledger: forwarding, answering for others'
/// addresses, and no use as a router by anybody who had none before. Written to the ledger first.
/// What other ledgers need as well is shared with them. For who holds home's lock. Throws Error.
void prepare_home(const AddressScene& scene);

/// Undoes it, as far as no other ledger needs it; takes home's lock.
void put_back_home(const AddressScene& scene, Failures& failures) noexcept;

}  // namespace netlend
