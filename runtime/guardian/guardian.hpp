#pragma once

#include <string>

#include "net/lending.hpp"
#include "net/policy/policy.hpp"

namespace netlend {

/// Whether the process that lends is there when the borrower ends, and gives back itself.
enum class Lender { stays, leaves };

/// Whether virtual devices are followed where the borrower moves them on to. Its namespace is held
/// for that, so not if it is to end by itself, and devices with it.
enum class Following { yes, no };

struct GuardedLending {
  LendOptions options = {};
  Lender lender = Lender::leaves;
  Following following = Following::yes;
  /// With `guardian` false it is lend() alone.
  Settings settings = {};
};

/// Lends as lend() does, and leaves a guardian with the borrower: a process that gives back what
/// nobody else has when the borrower dies, when the lender dies half way, and then ends. With a
/// lender who stays it does nothing until he has ended. It ends as well once everything is home by
/// another way. When this returns, it is in a session and cgroups of its own, holds no descriptor
/// but its own, and ignores TERM, HUP and INT: whoever stops the engine doesn't stop it. Only for a
/// process without threads. Throws Error, with nothing lent, also where no guardian can be left.
std::string lend_guarded(const LendingContext& context, const Plan& plan, const Borrower& borrower,
                         const GuardedLending& how = {});

}  // namespace netlend
