#pragma once

#include <optional>

#include "net/kernel/netns.hpp"
#include "net/l3/scene.hpp"
#include "net/plan/plan.hpp"

namespace netlend {

/// Mode "kernel": the borrower's L3 network namespace owns the addresses, and nothing else changes
/// at home. At its end the kernel itself gives them back.

/// Whether a container that is lent all of this is made in an L3 network namespace. False: in a
/// network namespace of its own, since this kernel has no other, the plan lends a device, or a loan
/// wants another mode, or a device by name.
bool wants_l3_namespace(const Plan& plan);

/// A new one of ours for it, if so. Throws Error (ENOSPC).
std::optional<Netns> make_l3_namespace(const Plan& plan);

/// Lends them. Throws Error; the caller gives back.
void lend_in_kernel(const AddressScene& scene, const Site& borrower, const AddressLoan& loan);

/// Gives them back, wherever lending was stopped; true when home has them, or has lost them by its
/// own doing.
bool give_back_in_kernel(const AddressScene& scene, const AddressLoan& loan, Failures& failures);

}  // namespace netlend
