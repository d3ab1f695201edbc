#include "net/l3/direct_path.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "net/kernel/announce.hpp"
#include "net/kernel/neighbour.hpp"
#include "net/kernel/new_link.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/frame_chains.hpp"
#include "net/l3/routed_messages.hpp"

namespace netlend {

namespace {
IfIndex uplink_of(const AddressLoan& loan) { return loan.addresses.front().device; }

std::set<int> families_of(const AddressLoan& loan) {
  std::set<int> families;
  for (const auto& lent : loan.addresses) families.insert(lent.home.family);
  return families;
}

/// The device goes on receiving for that link address, whoever else wants it no more.
NeighbourRecord heard(const AddressLoan& loan) {
  return {.family = AF_BRIDGE,
          .state = NUD_PERMANENT,
          .flags = NTF_SELF,
          .attributes = {{NDA_LLADDR, loan.inside_address}}};
}

IpPrefix everywhere(int family) { return {IpAddress{family == AF_INET ? "0.0.0.0" : "::"}, 0}; }

/// On the LAN itself, as at home.
AddressRecord address_on_lan(const LentAddress& lent) {
  AddressRecord address =
      make_address(IpPrefix{lent.home.address(), lent.home.length_bits}, /*dad=*/false);
  address.attributes.erase(IFA_BROADCAST);
  const auto broadcast = lent.home.attributes.find(IFA_BROADCAST);
  if (broadcast != lent.home.attributes.end()) address.attributes.insert(*broadcast);
  return address;
}
}  // namespace

void DirectPath::set_up(IfIndex pair) {
  if (mode_ == AddressMode::macvlan) prepare_lan();
  const IfIndex upper = make_upper();
  reach_home(pair);
  // What it sends is looked at before it can send anything.
  add_frame_chain(borrower_.netns, source_chain(loan_, loan_.inside));
  scene_.call(borrower_, set_link_flags(upper, IFF_UP, IFF_UP,
                                        fmt::format("set up '{}' inside", loan_.inside)));
  wait_until_sending(borrower_, upper);
  if (mode_ == AddressMode::macvlan) return;
  // What is for an address is the borrower's from the moment on in which it has it.
  route_to_lan();
  add_addresses();
}

void DirectPath::finish() {
  if (mode_ != AddressMode::macvlan) return;
  add_addresses();
  route_by_router();
  // Who didn't hear it would find out by itself only after half a minute (RFC 4861, 7.3).
  const Failures unheard = announce(borrower_, read_link(borrower_.socket, upper()),
                                    list_addresses(borrower_.socket, upper()));
  if (!unheard.empty()) throw Error(unheard.front().what);
}

/// By the pair, since neither kind of device lets the borrower speak with the machine below it.
void DirectPath::reach_home(IfIndex pair) {
  if (const auto lo = find_link(borrower_.socket, std::string("lo")); lo && !lo->is_up()) {
    scene_.call(borrower_, set_link_flags(lo->ifindex, IFF_UP, IFF_UP, "set up 'lo' inside"));
  }
  scene_.call(borrower_, set_link_flags(pair, IFF_UP, IFF_UP,
                                        fmt::format("set up '{}' inside", loan_.host_name)));
  for (const auto& lent : loan_.addresses) reach(pair, lent);
  ask_own_table();
}

void DirectPath::reach(IfIndex pair, const LentAddress& lent) {
  const IpAddress home = IpAddress::from_bytes(lent.substitute);
  scene_.call(borrower_, add_neighbour(pair, neighbour_of(home, loan_.host_address),
                                       fmt::format("enter {} inside", home.str())));
  route(pair, make_route(host_prefix(home), std::nullopt, /*onlink=*/false));
}

/// It may have another default route, by a lent device: what comes from these addresses asks a
/// table of its own first.
void DirectPath::ask_own_table() {
  for (const auto& lent : loan_.addresses) {
    const FibRule rule = own_table_rule(lent, upper());
    scene_.call(borrower_, add_fib_rule(rule, "add rule " + describe(rule) + " inside"));
  }
}

RouteRecord DirectPath::in_own_table(RouteRecord route) const {
  route.table = own_table(upper());
  return route;
}

void DirectPath::route(IfIndex device, const RouteRecord& route) {
  const std::string doing = "route " + describe(route) + " inside";
  scene_.ensure(borrower_, add_only_route(device, route, doing));
  scene_.ensure(borrower_, add_only_route(device, in_own_table(route), doing));
}

/// Before there is such a device: the kernel enters a link address for a user only where it is not
/// in use already.
void DirectPath::prepare_lan() {
  const IfIndex uplink = uplink_of(loan_);
  const auto& name = loan_.addresses.front().device_name;
  scene_.call(scene_.home, add_neighbour(uplink, heard(loan_),
                                         fmt::format("hear another link address on '{}'", name)));
  if (scene_.on_step) scene_.on_step(fmt::format("add rules of nftables to '{}'", name));
  add_frame_chain(scene_.home.netns, heir_chain(loan_, name));
}

IfIndex DirectPath::make_upper() {
  const NewUpper wanted{
      .name = loan_.inside, .lower = uplink_of(loan_), .netns_fd = borrower_.netns.fd()};
  const std::string doing =
      fmt::format("make '{}' inside on '{}'", loan_.inside, loan_.addresses.front().device_name);
  scene_.call(scene_.home, mode_ == AddressMode::macvlan
                               ? create_macvlan(wanted, loan_.inside_address, doing)
                               : create_ipvlan(wanted, doing));
  const auto link = find_link(borrower_.socket, loan_.inside);
  if (!link || link->kind != mode_name(mode_)) {
    throw Error(fmt::format("{}: it is not there", doing), ENODEV);
  }
  // It has no address yet, so nobody misses what the ledger doesn't know of it.
  loan_.upper = link->ifindex;
  save_ledger(scene_.state, scene_.ledger);
  if (link->addrgenmode) {
    scene_.call(borrower_, set_link_addrgenmode(link->ifindex, IN6_ADDR_GEN_MODE_NONE,
                                                "no link-local address"));
  }
  if (read_sysctl(borrower_.netns, loan_.inside, "ipv6/conf/accept_ra")) {
    write_sysctl(borrower_.netns, loan_.inside, "ipv6/conf/accept_ra", "0");
  }
  return link->ifindex;
}

void DirectPath::add_addresses() {
  for (const auto& lent : loan_.addresses) {
    const auto address =
        mode_ == AddressMode::macvlan ? address_on_lan(lent) : address_inside(lent);
    scene_.call(borrower_,
                add_address(upper(), address,
                            fmt::format("give '{}' {}", loan_.inside, describe(address))));
    wait_for_local_route(borrower_, upper(), lent.home.address());
  }
}

/// An ipvlan asks nobody's link address: the machine below does.
void DirectPath::route_to_lan() {
  for (const int family : families_of(loan_)) {
    route(upper(), make_route(everywhere(family), std::nullopt, /*onlink=*/false));
  }
}

/// As home does: to its network at once, to all else by its router, if it has one.
void DirectPath::route_by_router() {
  const auto routes = list_routes(scene_.home.socket, uplink_of(loan_));
  for (const auto& lent : loan_.addresses) {
    const IpPrefix network = IpPrefix{lent.home.address(), lent.home.length_bits}.network();
    scene_.ensure(borrower_, add_only_route(upper(), in_own_table(make_route(network, {}, false)),
                                            fmt::format("route {} inside", network.str())));
  }
  for (const int family : families_of(loan_)) {
    const auto found = std::find_if(routes.begin(), routes.end(), [&](const RouteRecord& each) {
      return each.family == family && each.is_default() && each.table == RT_TABLE_MAIN &&
             each.attributes.contains(RTA_GATEWAY);
    });
    if (found == routes.end()) continue;
    const IpAddress router = IpAddress::from_bytes(found->attributes.at(RTA_GATEWAY));
    route(upper(), make_route(everywhere(family), router, /*onlink=*/true));
  }
}

void remove_upper(const AddressScene& scene, const AddressLoan& loan) {
  if (!loan.upper || scene.borrower == nullptr) return;
  Site& borrower = *scene.borrower;
  // From Linux 6.16 on it waits for the next device of that name.
  remove_frame_table(borrower.netns, loan.host_name);
  // Not another device, should the borrower have deleted ours and made its own.
  const auto link = find_link(borrower.socket, *loan.upper);
  if (!link || link->kind != loan.mode || link->lower != uplink_of(loan)) return;
  scene.ensure(borrower,
               delete_link(*loan.upper, fmt::format("remove '{}' inside", printable(link->name))));
}

void tell_lan(const AddressScene& scene, const AddressLoan& loan, Failures& failures) noexcept {
  attempt(failures, [&] {
    if (mode_of(loan) != AddressMode::macvlan || loan.addresses.empty()) return;
    const auto link = find_link(scene.home.socket, uplink_of(loan));
    if (!link) return;
    std::vector<AddressRecord> addresses;
    const auto there = list_addresses(scene.home.socket, link->ifindex);
    for (const auto& lent : loan.addresses) {
      const auto is_home = [&](const auto& each) { return each.address() == lent.home.address(); };
      if (std::any_of(there.begin(), there.end(), is_home)) addresses.push_back(lent.home);
    }
    for (auto& failure : announce(scene.home, *link, addresses)) failures.push_back(failure);
  });
}

void stop_hearing(const AddressScene& scene, const AddressLoan& loan) {
  if (mode_of(loan) != AddressMode::macvlan || loan.addresses.empty()) return;
  const auto link = find_link(scene.home.socket, uplink_of(loan));
  if (!link) return;
  scene.ensure(scene.home, remove_neighbour(link->ifindex, heard(loan),
                                            fmt::format("hear another link address on '{}' no more",
                                                        printable(link->name))));
}

}  // namespace netlend
