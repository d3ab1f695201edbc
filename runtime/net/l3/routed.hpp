#pragma once

#include "base/error.hpp"
#include "net/l3/scene.hpp"

namespace netlend {

/// Mode "routed": a veth pair carries the packets, and the host answers for the addresses on its
/// LAN as it did before, so that nobody there has anything to learn.
///
/// IPv4 is shadowed: a route before the kernel's own in the table of local addresses. The kernel
/// removes it with the pair when the borrower's namespace dies, and the address is the host's again
/// with nobody's help. IPv6 has no such order in one table: the address is parked on `lo`, and a
/// rule before the one for local addresses sends it to the borrower for as long as there is a
/// route.

/// Lends them. Home is prepared. Throws Error; the caller gives back.
void lend_routed(const AddressScene& scene, Site& borrower, AddressLoan& loan);

/// Has home take what the pair brings, as lending does: a home that ceases to be a router forgets
/// it.
void take_from_pair(Site& home, const AddressLoan& loan);

/// Gives them back, wherever lending was stopped; true when they are at home as they were. Needs
/// nothing of the borrower.
bool give_back_routed(const AddressScene& scene, AddressLoan& loan, Failures& failures);

}  // namespace netlend
