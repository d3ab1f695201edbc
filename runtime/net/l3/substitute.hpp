#pragma once

#include <set>
#include <string>
#include <vector>

#include "net/l3/scene.hpp"

/// The address that the host speaks from while another of its own is lent.
namespace netlend {

/// The addresses that home doesn't speak from: those lent whole by other ledgers, and `ours`.
std::set<IpAddress> lent_addresses(const AddressScene& scene, const std::vector<IpAddress>& ours);

/// Raw bytes of the first of the device's addresses that can stand in for `record`; empty: there is
/// none.
std::string find_substitute(const AddressRecord& record, const std::vector<AddressRecord>& all,
                            const std::set<IpAddress>& lent);

}  // namespace netlend
