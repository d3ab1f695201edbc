#pragma once

#include <optional>
#include <vector>

#include "net/kernel/site.hpp"
#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// The devices at home that a plan means.
class DeviceChoice {
 public:
  DeviceChoice(const LendingContext& context, Site& home, const Plan& plan,
               const LendOptions& options)
      : context_(context), home_(home), plan_(plan), options_(options) {}

  /// One loan a device of the plan, in its order, with the lease that it needs, and of home's state
  /// no more than the link. What the dead hold is brought home first. Throws Error: unknown,
  /// immovable, lent, or not permitted.
  std::vector<Loan> choose();

  /// Completes them by all that the devices are now that nobody else can be lending them. Throws
  /// Error where one is lent only by force, or went away.
  void observe(std::vector<Loan>& loans);

 private:
  std::vector<std::optional<LinkState>> find_devices();
  Loan loan_for_pair(const NicPlan& nic);
  void observe_one(const NicPlan& nic, Loan& loan);

  const LendingContext& context_;
  Site& home_;
  const Plan& plan_;
  const LendOptions& options_;
};

}  // namespace netlend
