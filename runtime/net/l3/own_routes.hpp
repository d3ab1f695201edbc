#pragma once

#include "base/error.hpp"
#include "net/l3/scene.hpp"

/// The routes that the kernel enters for each IPv4 address of a device: to itself, to its broadcast
/// addresses and to its network. They name the first address of the network as their source, so
/// that the kernel refuses them while that is lent by routes (net/ipv4/fib_semantics.c,
/// fib_valid_prefsrc), and doesn't try again: an address that is added then is deaf.
namespace netlend {

/// Enters what is missing of those on the devices of the ledger's addresses, with a source that
/// home has, and removes what it entered so for addresses that are gone. For who holds home's lock.
void enter_own_routes(const AddressScene& scene, Failures& failures);

/// Once the ledger's addresses are home: puts the kernel's in the place of these, where no other
/// ledger lends the first address.
void restore_own_routes(const AddressScene& scene, Failures& failures);

}  // namespace netlend
