#pragma once

#include <string>

#include "net/lending.hpp"
#include "net/policy.hpp"

namespace netlend {

/// Whether the lender is there when the borrower ends; else a guardian is left with it, unless the
/// machine's owner wants none.
enum class Lender { stays, leaves };

/// lend() or lend_guarded().
using LendFunction = std::string (*)(const LendingContext& context, const Plan& plan,
                                     const Borrower& borrower, const LendOptions& options);
LendFunction lend_function(Lender lender, const Settings& settings);

struct PolicyLending {
  Lender lender = Lender::leaves;
  const Configuration& configuration;
};

/// Lends what a container's annotations ask for, as far as the machine's owner allows it. What
/// another container of the same pod has been lent already is success. Throws Error.
void lend_by_policy(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                    const PolicyLending& how);

}  // namespace netlend
