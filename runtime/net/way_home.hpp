#pragma once

#include <string>

#include "net/ledger/ledger.hpp"
#include "net/lending.hpp"
#include "net/locate.hpp"

namespace netlend {

/// The way of a device from wherever its borrower has it to home, where it is restored.
class WayHome {
 public:
  WayHome(const LendingContext& context, const Ledger& ledger, LoanSites& sites)
      : context_(context), ledger_(ledger), sites_(sites) {}

  /// Takes off it what isn't to be seen at home, and moves it there: through staging where one hop
  /// can't be clean, under its own name and index where home has them free. Throws Error.
  LinkState take(const Loan& loan, Location from);

 private:
  void prepare(const Loan& loan, Location& at);
  void remove_uppers_elsewhere(Location& at, const std::string& name);
  bool needs_staging(const Loan& loan, const Location& from);
  Location to_staging(const Loan& loan, const Location& from);
  void remove_altnames(const Location& from);
  LinkState hop_home(const Loan& loan, const Location& from);

  const LendingContext& context_;
  const Ledger& ledger_;
  LoanSites& sites_;
};

}  // namespace netlend
