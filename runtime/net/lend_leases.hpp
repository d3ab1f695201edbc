#pragma once

#include <string>
#include <vector>

#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// The leases of all that a ledger is about to lend.
class LendLeases {
 public:
  /// The ledger has its name and its loans when they are taken.
  LendLeases(const LendingContext& context, const Plan& plan, const Ledger& ledger)
      : context_(context), plan_(plan), ledger_(ledger) {}

  /// What a dead borrower has is brought home first. Throws Error (EBUSY): who else has one. Those
  /// that were taken before are then ours until drop().
  void take();
  void drop() noexcept;

 private:
  /// `wanted`: "device 'lan0'".
  void take_one(const std::string& lease, const std::string& wanted);

  const LendingContext& context_;
  const Plan& plan_;
  const Ledger& ledger_;
  /// Those that are ours already.
  std::vector<std::string> taken_;
};

}  // namespace netlend
