#pragma once

#include "net/l3/scene.hpp"

namespace netlend {

/// Puts on an address of home's that isn't there, without duplicate address detection, which takes
/// two seconds: nobody else can have it, since this machine has answered for it all the time.
/// Returns when home takes what is sent to it. Throws Error.
void put_on_at_once(const AddressScene& scene, IfIndex device, const AddressRecord& address);

/// Puts the IPv6 addresses of a device in the order in which they stand when all are at home: as
/// few of them as that takes, each once, are taken off and put on again, one at a time. The loan's
/// ledger names them before, so that whoever comes after one who was killed at it puts on what he
/// had taken off. For who holds home's lock. Throws Error.
void restore_order(const AddressScene& scene, AddressLoan& loan, IfIndex device);

}  // namespace netlend
