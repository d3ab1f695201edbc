#pragma once

#include "net/kernel/site.hpp"
#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// Moves one device in and gives it what the plan says. Each step is written to the ledger before
/// it is done where recovery needs it. Throws on the first failure; the caller gives back.
class DeviceLender {
 public:
  DeviceLender(const LendingContext& context, Ledger& ledger, Site& home, Site& borrower)
      : context_(context), ledger_(ledger), home_(home), borrower_(borrower) {}

  /// The device or a new pair is in, named, and has its addresses and routes.
  void lend(Loan& loan, const NicPlan& nic);
  /// Its addresses can be used: duplicate address detection is over. Throws Error for a duplicate.
  void settle(const Loan& loan, const NicPlan& nic);

 private:
  void save_lent(Loan& loan);
  void move_in(Loan& loan, const NicPlan& nic);
  void leave_groups(const Loan& loan);
  bool is_name_taken_inside(const Loan& loan);
  Netns pinned_staging(const Loan& loan);
  Site stage(const Loan& loan, const NicPlan& nic);
  void name_inside(Loan& loan, const NicPlan& nic);
  void make_pair(Loan& loan, const NicPlan& nic, const VethPair& veth);
  void configure_link(const Loan& loan, const NicPlan& nic);
  void configure_addresses(const Loan& loan, const NicPlan& nic);
  void configure_routes(const Loan& loan, const NicPlan& nic);

  const LendingContext& context_;
  Ledger& ledger_;
  Site& home_;
  Site& borrower_;
};

}  // namespace netlend
