#include "net/l3/routed.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <optional>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/new_link.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/broadcast_copies.hpp"
#include "net/l3/direct_path.hpp"
#include "net/l3/home_changes.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/routed_messages.hpp"

namespace netlend {

namespace {
class RoutedLender {
 public:
  RoutedLender(const AddressScene& scene, Site& borrower, AddressLoan& loan)
      : scene_(scene), borrower_(borrower), loan_(loan), mode_(mode_of(loan)) {}

  void lend() {
    make_pair();
    limit_sources();
    std::optional<DirectPath> direct;  // in modes that have one
    if (is_direct(mode_)) {
      direct.emplace(scene_, borrower_, loan_).set_up(inside_);
    } else {
      set_up_inside();
    }
    set_up_home();
    wait_until_sending(scene_.home, host_);
    wait_until_sending(borrower_, inside_);
    if (is_answered_by_home(mode_) && loan_.ports.empty()) answer();
    for (const auto& lent : loan_.addresses) switch_over(lent);
    if (direct) direct->finish();
    if (!is_on_lan(mode_) && (loan_.has_table || loan_.has_mirrors)) {
      copy_broadcasts(scene_, loan_, host_);
    }
  }

 private:
  void answer() {
    for (const auto& lent : loan_.addresses) {
      const IpAddress address = lent.home.address();
      scene_.call(scene_.home, add_neighbour(lent.device, proxy_for(address),
                                             fmt::format("answer for {} on '{}'", address.str(),
                                                         lent.device_name)));
    }
  }
  void make_pair();
  void limit_sources();
  void set_up_inside();
  void route_by_default(int family);
  void set_up_home();
  void switch_over(const LentAddress& lent);
  void send_to_borrower(const LentAddress& lent);
  bool has(int family) const { return has_family(loan_, family); }

  const AddressScene& scene_;
  Site& borrower_;
  AddressLoan& loan_;
  AddressMode mode_;
  IfIndex host_;
  IfIndex inside_;
};

/// The link that the message has just made.
LinkState made(Site& site, const std::string& name, const std::string& kind) {
  auto link = find_link(site.socket, name);
  if (!link || link->name != name || link->kind != kind) {
    throw Error(fmt::format("make the pair: '{}' is not there", printable(name)), ENODEV);
  }
  return *std::move(link);
}

void RoutedLender::make_pair() {
  const auto taken = find_link(borrower_.socket, loan_.inside);
  if (taken && taken->name == loan_.inside) {
    throw Error(fmt::format("the name '{}' is taken in '{}' already; choose another by as=NAME",
                            printable(loan_.inside), scene_.ledger.id.str()),
                EEXIST);
  }
  const auto uplink = read_link(scene_.home.socket, loan_.addresses.front().device);
  const std::string& name_inside = is_direct(mode_) ? loan_.host_name : loan_.inside;
  std::optional<MacAddress> mac_inside;
  if (mode_ != AddressMode::netkit) {
    mac_inside.emplace(format_link_address(loan_.inside_address));
  }
  const NewVeth pair{.name = loan_.host_name,
                     .address = loan_.host_address,
                     .peer_name = name_inside,
                     .peer_netns_fd = borrower_.netns.fd(),
                     .peer_address = mac_inside,
                     .mtu_bytes = uplink.mtu_bytes};
  const auto doing = fmt::format("make the pair '{}' and '{}'", loan_.host_name, loan_.inside);
  scene_.call(scene_.home,
              mode_ == AddressMode::netkit ? create_netkit(pair, doing) : create_veth(pair, doing));
  const LinkState host = made(scene_.home, loan_.host_name, pair_kind(mode_));
  const LinkState inside = made(borrower_, name_inside, pair_kind(mode_));
  host_ = host.ifindex;
  inside_ = inside.ifindex;
  // The borrower sees its own addresses and no other, not even a link-local one.
  if (host.addrgenmode) {
    scene_.call(scene_.home,
                set_link_addrgenmode(host_, IN6_ADDR_GEN_MODE_NONE, "no link-local address"));
  }
  if (inside.addrgenmode) {
    scene_.call(borrower_,
                set_link_addrgenmode(inside_, IN6_ADDR_GEN_MODE_NONE, "no link-local address"));
  }
}

/// Before anything can be sent: from its own addresses it may, from all others not. The kernel's
/// own check (rp_filter) is IPv4's alone, and only as strict as `all` lets it be.
void RoutedLender::limit_sources() {
  for (const auto& rule : source_rules(scene_.home, loan_)) {
    scene_.call(scene_.home, add_fib_rule(rule, "add rule " + describe(rule)));
  }
  const auto set = [&](const std::string& key, const std::string& value) {
    write_sysctl(scene_.home.netns, loan_.host_name, key, value);
  };
  // Without an IPv4 address lent, this alone lets nothing of that family in.
  set("ipv4/conf/rp_filter", "1");
  if (has(AF_INET)) {
    // A source that is an address of this machine's too, though shadowed, passes only by this
    // (net/ipv4/fib_frontend.c, fib_validate_source).
    set("ipv4/conf/accept_local", "1");
  }
  take_from_pair(scene_.home, loan_);
  const auto set_if_there = [&](const std::string& key, const std::string& value) {
    if (read_sysctl(scene_.home.netns, loan_.host_name, key)) set(key, value);
  };
  set_if_there("ipv6/conf/accept_ra", "0");
  if (!has(AF_INET6)) set_if_there("ipv6/conf/disable_ipv6", "1");
}

void RoutedLender::set_up_inside() {
  if (loan_.own_ports) {
    // What comes back to another port of the address is the host's, or another borrower's.
    write_sysctl(borrower_.netns, kNoDevice, kLocalPorts,
                 fmt::format("{} {}", loan_.own_ports->first, loan_.own_ports->last));
  }
  if (const auto lo = find_link(borrower_.socket, std::string("lo")); lo && !lo->is_up()) {
    scene_.call(borrower_, set_link_flags(lo->ifindex, IFF_UP, IFF_UP, "set up 'lo' inside"));
  }
  scene_.call(borrower_, set_link_flags(inside_, IFF_UP, IFF_UP,
                                        fmt::format("set up '{}' inside", loan_.inside)));
  for (const auto& lent : loan_.addresses) {
    const auto address = address_inside(lent);
    scene_.call(borrower_,
                add_address(inside_, address,
                            fmt::format("give '{}' {}", loan_.inside, describe(address))));
    wait_for_local_route(borrower_, inside_, lent.home.address());
  }
  for (const int family : {AF_INET, AF_INET6}) {
    if (has(family)) route_by_default(family);
  }
}

/// By a next hop that is no address of anybody's: its link address is entered for good.
void RoutedLender::route_by_default(int family) {
  scene_.call(borrower_, add_neighbour(inside_, neighbour_of(next_hop(family), loan_.host_address),
                                       "enter the next hop inside"));
  const RouteRecord route = default_route(family, loan_);
  try {
    scene_.call(borrower_, add_only_route(inside_, route, "route " + describe(route) + " inside"));
  } catch (const Error& error) {
    if (error.errno_value() != EEXIST) throw;
  }
  // It may have another default route, by a lent device: what comes from these addresses goes back
  // by this one all the same.
  RouteRecord own = route;
  own.table = own_table(inside_);
  scene_.call(borrower_, add_only_route(inside_, own, "route " + describe(own) + " inside"));
  for (const auto& lent : loan_.addresses) {
    if (lent.home.family != family) continue;
    const FibRule rule = own_table_rule(lent, inside_);
    scene_.call(borrower_, add_fib_rule(rule, "add rule " + describe(rule) + " inside"));
  }
}

void RoutedLender::set_up_home() {
  scene_.call(scene_.home,
              set_link_flags(host_, IFF_UP, IFF_UP, fmt::format("set up '{}'", loan_.host_name)));
  for (const auto& lent : loan_.addresses) {
    scene_.call(
        scene_.home,
        add_neighbour(host_, neighbour_of(lent.home.address(), loan_.inside_address),
                      fmt::format("enter {} on '{}'", lent.home.address().str(), loan_.host_name)));
  }
}

/// One message of these is the loan: before it the host has the address, after it the borrower.
void RoutedLender::switch_over(const LentAddress& lent) {
  const std::string address = lent.home.address().str();
  const RouteRecord route = route_to_borrower(loan_, lent, host_);
  if (!loan_.ports.empty()) {
    scene_.call(scene_.home,
                add_only_route(host_, route, fmt::format("route {} to the borrower", address)));
    return send_to_borrower(lent);
  }
  if (lent.home.family == AF_INET) {
    scene_.call(scene_.home, add_route_before(host_, route, fmt::format("shadow {}", address)));
    return;
  }
  const auto lo = find_link(scene_.home.socket, std::string("lo"));
  if (!lo) throw Error("there is no device 'lo' here", ENODEV);
  scene_.call(scene_.home, add_address(lo->ifindex, parked(lent), fmt::format("park {}", address)));
  wait_for_local_route(scene_.home, lo->ifindex, lent.home.address());
  scene_.call(scene_.home,
              add_only_route(host_, route, fmt::format("route {} to the borrower", address)));
  send_to_borrower(lent);
  // On its device the host would go on speaking to neighbours from it, and hear their answers no
  // more: they would go to the borrower.
  scene_.call(scene_.home,
              remove_address(lent.device, lent.home,
                             fmt::format("take {} from '{}'", address, lent.device_name)));
}

void RoutedLender::send_to_borrower(const LentAddress& lent) {
  for (const auto& rule : rules_to_borrower(scene_.home, loan_, lent, host_)) {
    scene_.call(scene_.home,
                add_fib_rule(rule, fmt::format("send {} to the borrower: rule {}",
                                               lent.home.address().str(), describe(rule))));
  }
}
}  // namespace

void take_from_pair(Site& home, const AddressLoan& loan) {
  for (const auto& lent : loan.addresses) {
    const char* const key =
        lent.home.family == AF_INET ? "ipv4/conf/forwarding" : "ipv6/conf/force_forwarding";
    const auto now = read_sysctl(home.netns, loan.host_name, key);
    if (now && *now != "1") write_sysctl(home.netns, loan.host_name, key, "1");
  }
}

void lend_routed(const AddressScene& scene, Site& borrower, AddressLoan& loan) {
  RoutedLender(scene, borrower, loan).lend();
}

}  // namespace netlend
