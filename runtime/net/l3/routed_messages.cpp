#include "net/l3/routed_messages.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>

#include "net/l3/mode.hpp"
#include "net/l3/rule_places.hpp"

namespace netlend {

namespace {
// "nl\0\0": far from what people number their tables with.
constexpr std::uint32_t kTable = 0x6e6c0000;

/// The rule, or one for each protocol and range of the loan's ports.
std::vector<FibRule> for_each_port(const FibRule& rule, const AddressLoan& loan,
                                   std::optional<PortRange> FibRule::*ports) {
  if (loan.ports.empty()) return {rule};
  std::vector<FibRule> rules;
  for (const auto& range : all_ports(loan)) {
    for (const int protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
      FibRule one = rule;
      one.ip_protocol = static_cast<std::uint8_t>(protocol);
      one.*ports = range;
      rules.push_back(std::move(one));
    }
  }
  return rules;
}
}  // namespace

std::uint32_t own_table(IfIndex device) {
  return kTable + static_cast<std::uint32_t>(device.value);
}

IfIndex device_of_table(std::uint32_t table) { return IfIndex{static_cast<int>(table - kTable)}; }

FibRule own_table_rule(const LentAddress& lent, IfIndex device) {
  return {.family = lent.home.family,
          .priority = kOwnTablePriority,
          .action = FR_ACT_TO_TBL,
          .from = host_prefix(lent.home.address()),
          .table = own_table(device)};
}

bool asks_own_table(const FibRule& rule, const LentAddress& lent) {
  return rule == own_table_rule(lent, device_of_table(rule.table));
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

namespace {
/// Whether a route of ours to one of the loan's addresses goes by it.
bool carries(Site& home, const AddressLoan& loan, IfIndex device) {
  const auto routes = list_routes(home.socket, device);
  return std::any_of(routes.begin(), routes.end(), [&](const RouteRecord& route) {
    const auto to = route.attributes.find(RTA_DST);
    return route.protocol == kNetlendProtocol && to != route.attributes.end() &&
           std::any_of(loan.addresses.begin(), loan.addresses.end(),
                       [&](const auto& lent) { return to->second == lent.home.address().bytes(); });
  });
}
}  // namespace

std::optional<LinkState> find_host_end(Site& home, const AddressLoan& loan) {
  const auto is_ours = [&](const LinkState& link) {
    return link.kind == pair_kind(mode_of(loan)) && link.address == loan.host_address;
  };
  if (auto link = find_link(home.socket, loan.host_name); link && is_ours(*link)) return link;
  // A veth's address was drawn for it alone; a netkit has none.
  const bool has_address = loan.host_address.find_first_not_of('\0') != std::string::npos;
  for (auto& link : list_links(home.socket)) {
    if (is_ours(link) && (has_address || carries(home, loan, link.ifindex))) return link;
  }
  return std::nullopt;
}

std::vector<FibRule> source_rules(Site& home, const AddressLoan& loan) {
  std::vector<FibRule> rules;
  std::set<int> families;
  for (const auto& lent : loan.addresses) {
    families.insert(lent.home.family);
    const RulePlaces places = rule_places(home, lent.home.family, sent_by(loan, lent.home.family));
    const FibRule own{.family = lent.home.family,
                      .priority = places.own_source,
                      .action = FR_ACT_GOTO,
                      .from = host_prefix(lent.home.address()),
                      .iif = loan.host_name,
                      .jump_to = places.go_on};
    for (auto& rule : for_each_port(own, loan, &FibRule::source_ports)) rules.push_back(rule);
  }
  for (const int family : families) {
    // In silence: who is told that it is unreachable is whoever has that address.
    rules.push_back({.family = family,
                     .priority = rule_places(home, family, sent_by(loan, family)).foreign_source,
                     .action = FR_ACT_BLACKHOLE,
                     .iif = loan.host_name});
  }
  return rules;
}

bool limits_sources(const FibRule& rule, const AddressLoan& loan) {
  return rule.protocol == kNetlendProtocol && rule.iif == loan.host_name;
}

bool sends_to_borrower(const FibRule& rule, const AddressLoan& loan, const LentAddress& lent) {
  if (rule.protocol != kNetlendProtocol || rule.to != host_prefix(lent.home.address()))
    return false;
  if (loan.ports.empty()) return rule.table == kTable;
  // That of the pair isn't known any more when the pair is gone; nobody else has these ports.
  const auto ports = all_ports(loan);
  return rule.destination_ports &&
         std::find(ports.begin(), ports.end(), *rule.destination_ports) != ports.end();
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
  if (address.valid_until_s) {
    address.flags &= ~static_cast<std::uint32_t>(IFA_F_PERMANENT);
    // The route of its prefix would outlive it (net/ipv6/addrconf.c, ipv6_del_addr).
    address.flags |= IFA_F_NOPREFIXROUTE;
  }
  return address;
}

namespace {
std::uint32_t table_to_borrower(const AddressLoan& loan, int family, IfIndex host) {
  // Several have a part of one address, and each needs a table of its own.
  if (!loan.ports.empty()) return own_table(host);
  return family == AF_INET ? std::uint32_t{RT_TABLE_LOCAL} : kTable;
}
}  // namespace

RouteRecord route_to_borrower(const AddressLoan& loan, const LentAddress& lent, IfIndex host) {
  RouteRecord route = make_route(host_prefix(lent.home.address()), std::nullopt, false);
  route.protocol = kNetlendProtocol;
  route.table = table_to_borrower(loan, lent.home.family, host);
  if (!lent.substitute.empty()) route.attributes[RTA_PREFSRC] = lent.substitute;
  return route;
}

std::vector<FibRule> rules_to_borrower(Site& home, const AddressLoan& loan, const LentAddress& lent,
                                       IfIndex host) {
  const int family = lent.home.family;
  const FibRule all{.family = family,
                    .priority = rule_places(home, family, SentBy::rule).to_borrower,
                    .action = FR_ACT_TO_TBL,
                    .to = host_prefix(lent.home.address()),
                    .table = table_to_borrower(loan, family, host)};
  return for_each_port(all, loan, &FibRule::destination_ports);
}

}  // namespace netlend
