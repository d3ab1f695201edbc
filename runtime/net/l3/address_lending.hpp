#pragma once

#include "net/l3/preflight.hpp"
#include "net/l3/scene.hpp"

namespace netlend {

/// Lends all addresses of the ledger, which is written already and whose loans are observed, both
/// with home's lock held. Throws Error; the caller gives back.
void lend_addresses(const AddressScene& scene, Site& borrower);

/// Brings all addresses of the ledger home, and home back to what it was before the first loan, as
/// far as no other needs it. Goes on past failures. True when all are home. Needs nothing of the
/// borrower: his namespace may be gone.
bool give_back_addresses(const AddressScene& scene, Failures& failures) noexcept;

}  // namespace netlend
