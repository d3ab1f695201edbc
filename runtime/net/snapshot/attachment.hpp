#pragma once

#include <string>
#include <vector>

#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// What others at home have made to hang on a device and can't be given back as it is, a sentence
/// each: uppers, tunnels, chains and flowtables of nftables, IPsec that it does. Throws Error where
/// a move would destroy a device of home's that stands on this one.
std::vector<std::string> attached_losses(Site& home, const LinkState& link);

}  // namespace netlend
