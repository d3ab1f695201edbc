#pragma once

#include "net/l3/scene.hpp"

/// Who gave home a lent address for a time (DHCP, router advertisements) goes on seeing to it: it
/// gives it longer, or lets it end, and then somebody else may get it.
namespace netlend {

/// Its lifetime is over, and home hasn't got it any more.
bool has_ended(const AddressScene& scene, const LentAddress& lent);

/// Takes it from the borrower, too: home answers for it no more, nothing goes there or comes from
/// it, and it is gone inside, if the scene has the borrower. Done already is success. Throws Error.
void end_with_home(const AddressScene& scene, const AddressLoan& loan, const LentAddress& lent);

/// An IPv6 address that somebody put on its device again, as a router's advertisement does, goes
/// off it, since home would speak from it and hear no answers. Its new lifetime stays, in the
/// ledger too. Throws Error.
void take_off_again(const AddressScene& scene, LentAddress& lent);

}  // namespace netlend
