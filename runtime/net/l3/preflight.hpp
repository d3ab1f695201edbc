#pragma once

#include <string>
#include <vector>

#include "net/l3/scene.hpp"
#include "net/plan/plan.hpp"

namespace netlend {

/// A loan of the plan's addresses of which nothing is known yet but who is meant: no address of it
/// has been looked at.
AddressLoan new_address_loan(const AddressPlan& plan);

/// Looks up what the addresses of a part of the plan are at home, for its loan. Changes nothing.
/// Throws Error that names the address and says why it can't be lent, with any force: missing, on
/// several devices, tentative, temporary, the last of its network.
void observe_addresses(const AddressScene& scene, const Plan& plan, const AddressPlan& part,
                       AddressLoan& loan);

/// Throws Error where an address of the device is lent, which would be left without it.
void check_no_address_lent(const AddressScene& scene, const LinkState& device);

/// The reverse: throws Error where the device of one of the ledger's addresses is being lent. Each
/// side asks once its own ledger is written, so that of two at the same moment one sees the other.
void check_no_device_lent(const AddressScene& scene);

/// Why they are lent only by --force.
std::vector<std::string> why_addresses_only_by_force(Site& home, const AddressLoan& loan);

}  // namespace netlend
