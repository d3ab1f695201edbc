#pragma once

#include <set>
#include <string>

#include "net/kernel/site.hpp"
#include "net/l3/scene.hpp"
#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"

namespace netlend {

/// What would change for the loans of addresses of a plan, one after the other: what is needed by a
/// former one is said there. It is what lending goes by, and changes nothing.
class AddressPreview {
 public:
  /// `borrower`: null where it doesn't exist yet.
  AddressPreview(const LendingContext& context, Site& home, const LendOptions& options,
                 Site* borrower);
  /// `part`: one of the plan's loans.
  PlanReport look(const Plan& plan, const AddressPlan& part);

 private:
  AddressScene scene();
  void check_leases(const AddressPlan& plan) const;
  void add_default_routes(const AddressLoan& loan, PlanReport& report);
  void add_home_changes(const AddressPlan& plan, const AddressLoan& loan, PlanReport& report);
  void add_sysctls(PlanReport& report);
  void add_rules(const AddressLoan& loan, PlanReport& report);
  void add_routes(const AddressLoan& loan, PlanReport& report);
  void say_once(PlanReport& report, const std::string& sentence);

  const LendingContext& context_;
  Site& home_;
  const LendOptions& options_;
  Site* borrower_;
  /// Is never written.
  Ledger ledger_;
  std::set<std::string> said_;
};

}  // namespace netlend
