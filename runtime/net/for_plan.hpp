#pragma once

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "net/plan/plan.hpp"

namespace netlend {

/// The error as one that was met by lending what the plan says to that borrower.
Error met_by_lending(const Plan& plan, const ContainerId& borrower, const Error& error);

/// Does what needs the state folder, whose errors speak of files: this says what for.
template <typename Work>
auto for_plan(const Plan& plan, const ContainerId& borrower, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw met_by_lending(plan, borrower, error);
  }
}

}  // namespace netlend
