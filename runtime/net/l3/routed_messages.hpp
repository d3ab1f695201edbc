#pragma once

#include <optional>
#include <vector>

#include "net/kernel/neighbour.hpp"
#include "net/l3/scene.hpp"

/// What mode "routed" makes at home and inside, as lending and giving back both name it.
namespace netlend {

/// Inside: the rule that asks the table of one's own addresses first is 0, that of `main` 32766.
inline constexpr std::uint32_t kOwnTablePriority = 10;

/// A table inside for the device alone.
std::uint32_t own_table(IfIndex device);
/// Whose own_table() it is.
IfIndex device_of_table(std::uint32_t table);
/// Inside: what comes from the address asks the device's own table first.
FibRule own_table_rule(const LentAddress& lent, IfIndex device);
/// Whether a rule inside is that for some device.
bool asks_own_table(const FibRule& rule, const LentAddress& lent);

/// The host answers for it on its LAN.
NeighbourRecord proxy_for(const IpAddress& address);
/// Its link address, for good.
NeighbourRecord neighbour_of(const IpAddress& address, const std::string& link_address);

/// What the borrower sends everything to: no address of anybody's.
IpAddress next_hop(int family);
/// From the first of the loan's addresses of that family.
RouteRecord default_route(int family, const AddressLoan& loan);

/// The end at home of the pair, whatever its name is by now; it is gone with a borrower who is.
std::optional<LinkState> find_host_end(Site& home, const AddressLoan& loan);

/// What the borrower may send from, and nothing else.
std::vector<FibRule> source_rules(Site& home, const AddressLoan& loan);

/// Whether a rule at home is one of source_rules(), whatever number it has.
bool limits_sources(const FibRule& rule, const AddressLoan& loan);
/// Whether it is one of rules_to_borrower(), whatever number it has.
bool sends_to_borrower(const FibRule& rule, const AddressLoan& loan, const LentAddress& lent);

/// As the borrower has it: alone in its network, with the broadcast address of home's.
AddressRecord address_inside(const LentAddress& lent);
/// As `lo` has it meanwhile.
AddressRecord parked(const LentAddress& lent);
/// `host`: the end at home of the pair.
RouteRecord route_to_borrower(const AddressLoan& loan, const LentAddress& lent, IfIndex host);
std::vector<FibRule> rules_to_borrower(Site& home, const AddressLoan& loan, const LentAddress& lent,
                                       IfIndex host);

}  // namespace netlend
