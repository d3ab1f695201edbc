#pragma once

#include <string>
#include <vector>

#include "net/l3/scene.hpp"
#include "net/plan/plan.hpp"

namespace netlend {

/// The mode that a loan whose addresses are observed is lent in: that of the plan, or the first
/// that can be used. Changes nothing. Throws Error that says why none can.
AddressMode choose_mode(const AddressScene& scene, const AddressPlan& plan,
                        const AddressLoan& loan);

/// The mode of a ledger's loan; `automatic` where its addresses were never observed. Throws Error
/// for one that this netlend doesn't know.
AddressMode mode_of(const AddressLoan& loan);

/// The kind of the pair between home and the borrower.
std::string pair_kind(AddressMode mode);

/// What goes between the LAN and the borrower is forwarded here.
inline bool is_forwarded(AddressMode mode) {
  return mode == AddressMode::routed || mode == AddressMode::netkit;
}

}  // namespace netlend
