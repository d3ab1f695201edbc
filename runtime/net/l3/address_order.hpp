#pragma once

#include <cstddef>
#include <vector>

#include "net/l3/scene.hpp"

/// The order in which a device has its addresses: of several that fit, home speaks from the first.
namespace netlend {

/// An address stands behind all of these when it and they are at home.
struct KnownPlace {
  IpAddress address;
  std::vector<IpAddress> before;
};

/// All addresses that are named, as they stand when all are at home: by the places that are known,
/// and where these say nothing, or contradict each other, as they stand `now`. One that isn't there
/// now comes as soon as what precedes it lets it.
std::vector<IpAddress> order_at_home(const std::vector<IpAddress>& now,
                                     const std::vector<KnownPlace>& places);

/// How many of the first of `wanted` are to be put first, the last of them before the others, to
/// come to `wanted` from `now`, which has the same addresses. The rest stands right: no fewer will
/// do.
std::size_t count_to_put_first(const std::vector<IpAddress>& now,
                               const std::vector<IpAddress>& wanted);

/// What the ledger of a scene, and what the other open ledgers know of the addresses of a device.
std::vector<KnownPlace> own_places(const AddressScene& scene, IfIndex device, int family);
std::vector<KnownPlace> others_places(const AddressScene& scene, IfIndex device, int family);

/// Those of the device's addresses that stand before `lent` when all are at home, in IPv4 of its
/// network alone, in their order. `all`: those that are there now.
std::vector<IpAddress> find_preceding(const AddressScene& scene, const LentAddress& lent,
                                      const std::vector<AddressRecord>& all);

}  // namespace netlend
