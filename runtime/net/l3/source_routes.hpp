#pragma once

#include <set>
#include <vector>

#include "base/error.hpp"
#include "net/l3/scene.hpp"

/// Routes of home's that name a lent address as the source of what goes by them. While it is away
/// they name its substitute, or home would speak from what isn't its own.
namespace netlend {

/// Whether both have one place in the kernel's tables: the same device, destination and metric.
bool is_same_place(const DeviceRoute& left, const DeviceRoute& right);

/// Makes another route of one that is there, through the same device, and leaves it its place among
/// equal routes through others; in IPv4 without a moment without either. Throws Error.
void change_route(const AddressScene& scene, const DeviceRoute& now, const RouteRecord& wanted);

struct SourceChange {
  DeviceRoute now;
  RouteRecord wanted;
};

/// What the routes become that name the ledger's addresses now. Those that are home's own are added
/// to `changes` as they were before the first loan, which is what `others` says of them. Changes
/// nothing.
std::vector<SourceChange> plan_source_routes(const AddressScene& scene, const HomeChanges& others,
                                             HomeChanges& changes);

/// Has the routes of the ledger's home_changes name the substitutes that its loans have now, and
/// enters those again that the kernel took away: `moved` are the lent addresses whose substitute
/// was another before. What home itself has made of them stays.
void renew_source_routes(const AddressScene& scene, const std::set<IpAddress>& moved);

/// Gives those that no other ledger needs their source back.
void put_back_source_routes(const AddressScene& scene, const HomeChanges& others,
                            Failures& failures);

}  // namespace netlend
