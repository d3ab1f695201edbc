#pragma once

#include <vector>

#include "base/error.hpp"
#include "net/kernel/address.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"

namespace netlend {

/// Tells the neighbours that the addresses are at this device now: gratuitous ARP and unsolicited
/// neighbour advertisements, one each. A device that is down, without carrier or without ARP is
/// left alone. Needs CAP_NET_RAW. Source: RFC 5227 section 3, RFC 4861 section 7.2.6.
Failures announce(Site& site, const LinkState& link,
                  const std::vector<AddressRecord>& addresses) noexcept;

}  // namespace netlend
