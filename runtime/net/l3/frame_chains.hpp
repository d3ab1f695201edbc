#pragma once

#include "net/kernel/frame_rules.hpp"
#include "net/l3/scene.hpp"

/// The rules of nftables that loans of addresses have, each in a table that is called as the loan's
/// end of the pair at home.
namespace netlend {

/// Inside: what leaves the borrower's device is from the loan's addresses, or dropped.
FrameChain source_chain(const AddressLoan& loan, const std::string& device);

/// At home, mode "macvlan": what comes for the borrower's link address is taken for this machine's
/// by whoever it reaches, and without the borrower that is this machine.
FrameChain heir_chain(const AddressLoan& loan, const std::string& device);

/// At home: copies of broadcasts and multicasts of IP go to the borrower, by the pair.
FrameChain broadcast_chain(const AddressLoan& loan, const std::string& device, IfIndex pair);

}  // namespace netlend
