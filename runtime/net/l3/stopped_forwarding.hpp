#pragma once

#include <string>
#include <vector>

#include "net/kernel/site.hpp"
#include "net/ledger/address_loan.hpp"

namespace netlend {

/// The sysctls of home's by which the loan isn't reached as it was when it was lent, somebody
/// having set them to 0 since: "net.ipv4.conf.up0.forwarding". Setting them to 1 is enough. Throws
/// Error.
std::vector<std::string> list_stopped_forwarding(Site& home, const AddressLoan& loan);

}  // namespace netlend
