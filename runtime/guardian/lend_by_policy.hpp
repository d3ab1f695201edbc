#pragma once

#include <string>

#include "guardian/guardian.hpp"
#include "net/lending.hpp"
#include "net/policy/policy.hpp"

namespace netlend {

struct PolicyLending {
  Lender lender = Lender::leaves;
  const Configuration& configuration;
};

/// Lends what a container's annotations ask for, as far as the machine's owner allows it. What
/// another container of the same pod has been lent already is success. The borrower has a process,
/// and its bundle as its key. Throws Error.
void lend_by_policy(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                    const PolicyLending& how);

}  // namespace netlend
