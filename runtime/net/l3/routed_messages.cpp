#include "net/l3/routed_messages.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

#include "net/l3/home_changes.hpp"

namespace netlend {

namespace {
// "nl\0\0": far from what people number their tables with.
constexpr std::uint32_t kTable = 0x6e6c0000;
}  // namespace

std::uint32_t own_table(IfIndex device) {
  return kTable + static_cast<std::uint32_t>(device.value);
}

NeighbourRecord proxy_for(const IpAddress& address) {
  // Permanent, or a lost carrier would take it away (net/core/neighbour.c, neigh_carrier_down).
  return {.family = address.family(),
          .state = NUD_PERMANENT,
          .flags = NTF_PROXY,
          .attributes = {{NDA_DST, std::string(address.bytes())}}};
}

NeighbourRecord neighbour_of(const IpAddress& address, const std::string& link_address) {
  return {.family = address.family(),
          .state = NUD_PERMANENT,
          .flags = 0,
          .attributes = {{NDA_DST, std::string(address.bytes())}, {NDA_LLADDR, link_address}}};
}

IpAddress next_hop(int family) { return IpAddress{family == AF_INET ? "169.254.1.1" : "fe80::1"}; }

RouteRecord default_route(int family, const AddressLoan& loan) {
  const IpAddress any{family == AF_INET ? "0.0.0.0" : "::"};
  RouteRecord route = make_route({any, 0}, next_hop(family), /*onlink=*/family == AF_INET);
  const auto source = std::find_if(loan.addresses.begin(), loan.addresses.end(),
                                   [&](const auto& lent) { return lent.home.family == family; });
  route.attributes[RTA_PREFSRC] = std::string(source->home.address().bytes());
  return route;
}

std::vector<FibRule> source_rules(Site& home, const AddressLoan& loan) {
  std::vector<FibRule> rules;
  std::set<int> families;
  for (const auto& lent : loan.addresses) {
    families.insert(lent.home.family);
    const RulePlaces places = rule_places(home, lent.home.family);
    rules.push_back({.family = lent.home.family,
                     .priority = places.own_source,
                     .action = FR_ACT_GOTO,
                     .from = host_prefix(lent.home.address()),
                     .iif = loan.host_name,
                     .jump_to = places.go_on});
  }
  for (const int family : families) {
    rules.push_back({.family = family,
                     .priority = rule_places(home, family).foreign_source,
                     .action = FR_ACT_UNREACHABLE,
                     .iif = loan.host_name});
  }
  return rules;
}

bool limits_sources(const FibRule& rule, const AddressLoan& loan) {
  return rule.protocol == kNetlendProtocol && rule.iif == loan.host_name;
}

bool sends_to_borrower(const FibRule& rule, const LentAddress& lent) {
  return rule.protocol == kNetlendProtocol && rule.table == kTable &&
         rule.to == host_prefix(lent.home.address());
}

AddressRecord address_inside(const LentAddress& lent) {
  AddressRecord address = make_address(host_prefix(lent.home.address()), /*dad=*/false);
  const auto broadcast = lent.home.attributes.find(IFA_BROADCAST);
  if (broadcast != lent.home.attributes.end()) address.attributes.insert(*broadcast);
  return address;
}

AddressRecord parked(const LentAddress& lent) {
  AddressRecord address = make_address(host_prefix(lent.home.address()), /*dad=*/false);
  // What is to end at home ends here too, should nobody be left to take it there.
  address.valid_until_s = lent.home.valid_until_s;
  address.preferred_until_s = lent.home.preferred_until_s;
  if (address.valid_until_s) address.flags &= ~static_cast<std::uint32_t>(IFA_F_PERMANENT);
  return address;
}

RouteRecord route_to_borrower(const LentAddress& lent) {
  RouteRecord route = make_route(host_prefix(lent.home.address()), std::nullopt, false);
  route.protocol = kNetlendProtocol;
  route.table = lent.home.family == AF_INET ? std::uint32_t{RT_TABLE_LOCAL} : kTable;
  route.attributes[RTA_PREFSRC] = lent.substitute;
  return route;
}

FibRule rule_to_borrower(Site& home, const LentAddress& lent) {
  return {.family = AF_INET6,
          .priority = rule_places(home, AF_INET6).to_borrower,
          .action = FR_ACT_TO_TBL,
          .to = host_prefix(lent.home.address()),
          .table = kTable};
}

}  // namespace netlend
