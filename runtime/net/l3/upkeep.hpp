#pragma once

#include "net/l3/scene.hpp"

namespace netlend {

/// Keeps the ledger's addresses with their borrower, and home what it is to others, after home has
/// changed: answers for them on a device that was down, speaks from another address where the one
/// that it spoke from is gone, and does what prepare_home() does. What is in order stays untouched.
/// For who holds the ledger's lock; takes home's. Throws Error.
void keep_up_addresses(const AddressScene& scene);

}  // namespace netlend
