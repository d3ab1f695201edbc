#pragma once

#include "net/kernel/fib_rule.hpp"
#include "net/kernel/site.hpp"
#include "net/ledger/address_loan.hpp"

namespace netlend {

/// Where the rule of IPv6 goes that asks for the host's own addresses: behind ours.
inline constexpr std::uint32_t kLocalBehindOurs = 10;

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

}  // namespace netlend
