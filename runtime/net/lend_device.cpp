#include "net/lend_device.hpp"

#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/checks.hpp"
#include "net/kernel/announce.hpp"
#include "net/kernel/tentative.hpp"
#include "net/ledger/pin.hpp"
#include "net/move_device.hpp"
#include "net/reading.hpp"
#include "net/steps.hpp"

namespace netlend {

namespace {
// A random delay of up to a second and a probe of a second, with room for a loaded machine.
constexpr int kDadTimeoutMs = 10'000;
constexpr std::size_t kNameHexDigits = 10;

Error taken(const std::string& name, const Ledger& ledger) {
  return Error(fmt::format("the name '{}' is taken in '{}' already; choose another name inside",
                           printable(name), ledger.id.str()),
               EEXIST);
}

/// A kernel that knows of homes brings hardware back to where it was lent from, under its name
/// there, whatever has become of us. What is lent already, to where we are, keeps its home.
bool can_return(const LinkState& link) { return link.returns == false && link.kind.empty(); }
}  // namespace

void DeviceLender::save_lent(Loan& loan) {
  loan.stage = Stage::lent;
  pass(context_, Step::write_lent);
  try {
    save_ledger(context_.state, ledger_);
  } catch (const Error& error) {
    throw error.within(fmt::format("lend '{}'", loan.inside));
  }
}

void DeviceLender::lend(Loan& loan, const NicPlan& nic) {
  if (const auto inside = find_link(borrower_.socket, loan.inside);
      inside && inside->name == loan.inside) {
    throw taken(loan.inside, ledger_);
  }
  if (const auto* veth = std::get_if<VethPair>(&nic.source)) {
    make_pair(loan, nic, *veth);
  } else {
    move_in(loan, nic);
  }
  configure_link(loan, nic);
  save_lent(loan);
  configure_addresses(loan, nic);
  if (nic.up) {
    call(context_, borrower_,
         set_link_flags(*loan.inside_ifindex, IFF_UP, IFF_UP,
                        fmt::format("set up '{}'", loan.inside)));
    configure_routes(loan, nic);
  }
}

void DeviceLender::move_in(Loan& loan, const NicPlan& nic) {
  const LinkState& link = loan.home->link;
  pass(context_, Step::mark_device);
  call(context_, home_,
       add_altname(link.ifindex, loan.mark(), fmt::format("mark '{}'", link.name)));
  leave_groups(loan);
  const std::string doing = fmt::format("move device '{}' to '{}'", link.name, ledger_.id.str());
  const auto move = [&](Site& from, const LinkState& what) {
    pass(context_, Step::move_in);
    move_device(context_, {from, what, *loan.home},
                {.netns_fd = borrower_.netns.fd(),
                 .ifindex = {},
                 .fallback_name = {},
                 .returns = can_return(what)},
                doing);
  };
  if (is_name_taken_inside(loan)) {
    Site staging = stage(loan, nic);
    const auto staged = reading(loan, [&] { return find_link(staging.socket, loan.mark()); });
    if (!staged) throw Error(doing + ": it is not in staging any more", ENODEV);
    move(staging, *staged);
  } else {
    // Without a name in the message: the kernel moves first and renames after, and a name that is
    // taken there would leave the device gone (net/core/rtnetlink.c, do_setlink).
    move(home_, link);
  }
  const auto arrived = reading(loan, [&] { return find_link(borrower_.socket, loan.mark()); });
  if (!arrived) throw Error(doing + ": it did not arrive", ENODEV);
  loan.inside_ifindex = arrived->ifindex;
  if (arrived->name != loan.inside) name_inside(loan, nic);
}

/// Home's kernel itself joins the groups of addresses with autojoin. A move removes the addresses
/// and not that, by which they couldn't be given again (net/ipv4/devinet.c, ip_mc_autojoin_config).
void DeviceLender::leave_groups(const Loan& loan) {
  for (const auto& address : loan.home->addresses) {
    if ((address.flags & IFA_F_MCAUTOJOIN) == 0) continue;
    call(context_, home_,
         remove_address(loan.home->link.ifindex, address,
                        fmt::format("leave the group of {}", describe(address))));
  }
}

bool DeviceLender::is_name_taken_inside(const Loan& loan) {
  return find_link(borrower_.socket, loan.home_name()).has_value();
}

/// One for all devices of the ledger: a second one would not be pinned.
Netns DeviceLender::pinned_staging(const Loan& loan) {
  const PinPlace place = pin_place(ledger_, PinFolder::staging);
  try {
    if (auto pinned = open_pin(context_.state, place)) return *std::move(pinned);
    Netns fresh = Netns::create();
    make_pin(context_.state, place, fresh);
    return fresh;
  } catch (const Error& error) {
    throw error.within(fmt::format("lend '{}'", loan.inside));
  }
}

/// Renames it where nobody sees it: its own name is another device's inside.
Site DeviceLender::stage(const Loan& loan, const NicPlan& nic) {
  pass(context_, Step::make_staging);
  Site staging{pinned_staging(loan)};
  pass(context_, Step::move_to_staging);
  move_device(context_, {home_, loan.home->link, *loan.home},
              {.netns_fd = staging.netns.fd(),
               .ifindex = {},
               .fallback_name = {},
               .returns = can_return(loan.home->link)},
              fmt::format("move device '{}' into staging", loan.home_name()));
  const auto arrived = reading(loan, [&] { return find_link(staging.socket, loan.mark()); });
  if (!arrived) {
    throw Error(fmt::format("move device '{}' into staging: it did not arrive", loan.home_name()),
                ENODEV);
  }
  // A number that is free here need not be free inside.
  const std::string name =
      nic.inside.wants_number() ? "nl-" + loan.id.substr(0, kNameHexDigits) : nic.inside.str();
  const auto& altnames = arrived->altnames;
  if (std::find(altnames.begin(), altnames.end(), name) != altnames.end()) {
    call(context_, staging, remove_altname(arrived->ifindex, name, "free its name inside"));
  }
  call(context_, staging,
       rename_link(arrived->ifindex, name, fmt::format("name '{}' in staging", name)));
  return staging;
}

void DeviceLender::name_inside(Loan& loan, const NicPlan& nic) {
  const auto& altnames = loan.home->link.altnames;
  // A device can't be given as name what is its altname; that comes back at home.
  if (std::find(altnames.begin(), altnames.end(), nic.inside.str()) != altnames.end()) {
    call(context_, borrower_,
         remove_altname(*loan.inside_ifindex, nic.inside.str(), "free its name inside"));
  }
  call(context_, borrower_,
       rename_link(*loan.inside_ifindex, nic.inside.str(),
                   fmt::format("name it '{}' inside", nic.inside.str())));
  if (nic.inside.wants_number()) {
    loan.inside =
        reading(loan, [&] { return read_link(borrower_.socket, *loan.inside_ifindex); }).name;
  }
}

void DeviceLender::make_pair(Loan& loan, const NicPlan& nic, const VethPair& veth) {
  const MadePair& pair = *loan.pair;
  call(context_, home_,
       create_veth({.name = pair.host_name,
                    .address = pair.host_address,
                    .peer_name = nic.inside.str(),
                    .peer_netns_fd = borrower_.netns.fd(),
                    .peer_address = nic.mac,
                    .mtu_bytes = nic.mtu_bytes},
                   fmt::format("make the pair '{}' and '{}'", pair.host_name, nic.inside.str())));
  const auto host = find_link(home_.socket, pair.host_name);
  if (!host || host->address != pair.host_address) {
    throw Error(fmt::format("make the pair '{}': it is not there", pair.host_name), ENODEV);
  }
  const auto inside = find_link(borrower_.socket, loan.inside);
  if (!inside) throw Error(fmt::format("'{}' is not inside", loan.inside), ENODEV);
  loan.inside_ifindex = inside->ifindex;
  if (veth.bridge) {
    const auto bridge = find_link(home_.socket, veth.bridge->str());
    if (!bridge || bridge->kind != "bridge") {
      throw Error(
          fmt::format("attach '{}': there is no bridge '{}' here; 'netlend show' lists what is",
                      pair.host_name, veth.bridge->str()));
    }
    call(context_, home_,
         set_link_master(host->ifindex, bridge->ifindex,
                         fmt::format("attach '{}' to bridge '{}'", pair.host_name, bridge->name)));
  }
  for (const auto& prefix : veth.host_addresses) {
    call(context_, home_,
         add_address(host->ifindex, make_address(prefix, nic.dad),
                     fmt::format("give '{}' {}", pair.host_name, prefix.str())));
  }
  call(context_, home_,
       set_link_flags(host->ifindex, IFF_UP, IFF_UP, fmt::format("set up '{}'", pair.host_name)));
}

void DeviceLender::configure_link(const Loan& loan, const NicPlan& nic) {
  if (loan.pair) return;  // Made as it is to be.
  if (nic.mac) {
    call(
        context_, borrower_,
        set_link_address(*loan.inside_ifindex, nic.mac->bytes(),
                         fmt::format("give '{}' the MAC address {}", loan.inside, nic.mac->str())));
  }
  if (nic.mtu_bytes) {
    call(context_, borrower_,
         set_link_mtu(*loan.inside_ifindex, *nic.mtu_bytes,
                      fmt::format("give '{}' the MTU {}", loan.inside, *nic.mtu_bytes)));
  }
}

void DeviceLender::configure_addresses(const Loan& loan, const NicPlan& nic) {
  const auto give = [&](const AddressRecord& address) {
    call(context_, borrower_,
         add_address(*loan.inside_ifindex, address,
                     fmt::format("give '{}' {}", loan.inside, describe(address))));
  };
  if (nic.keep_addresses && loan.home) {
    for (AddressRecord address : loan.home->addresses) {
      if (!address.is_permanent() || address.scope != RT_SCOPE_UNIVERSE) continue;
      address.attributes.erase(IFA_LABEL);  // It begins with the name at home.
      give(address);
    }
  }
  for (const auto& prefix : nic.addresses) give(make_address(prefix, nic.dad));
}

void DeviceLender::configure_routes(const Loan& loan, const NicPlan& nic) {
  const auto add = [&](const RouteRecord& route) {
    call(context_, borrower_,
         add_route(*loan.inside_ifindex, route,
                   fmt::format("route {} by '{}'", describe(route), loan.inside)));
  };
  for (const bool with_gateway : {false, true}) {
    for (const auto& route : nic.routes) {
      if (route.via.has_value() == with_gateway) {
        add(make_route(route.destination, route.via, false));
      }
    }
  }
  for (const auto& gateway : nic.gateways) {
    const std::string any(gateway.address.bytes().size(), '\0');
    const auto route = make_route({IpAddress::from_bytes(any), 0}, gateway.address, gateway.onlink);
    try {
      call(context_, borrower_,
           add_only_route(*loan.inside_ifindex, route,
                          fmt::format("route {} by '{}'", describe(route), loan.inside)));
    } catch (const Error& error) {
      if (error.errno_value() != EEXIST) throw;
      throw second_gateway(gateway, ledger_.id);
    }
  }
}

void DeviceLender::settle(const Loan& loan, const NicPlan& nic) {
  const LinkState link =
      reading(loan, [&] { return read_link(borrower_.socket, *loan.inside_ifindex); });
  if (nic.dad && link.is_up() && link.has_carrier && !reading(loan, [&] {
        return wait_for_addresses(borrower_, link.ifindex, Which::global, kDadTimeoutMs);
      })) {
    throw Error(
        fmt::format("'{}': duplicate address detection did not end in {} s; 'dad=no' lends "
                    "without it",
                    loan.inside, kDadTimeoutMs / 1000));
  }
  const auto addresses =
      reading(loan, [&] { return list_addresses(borrower_.socket, link.ifindex); });
  for (const auto& address : addresses) {
    if (address.is_duplicate()) {
      throw Error(fmt::format("address {} is in use by another host on the link of '{}'",
                              address.address().str(), loan.home_name()),
                  EADDRINUSE);
    }
  }
  // Unheard, the neighbours learn it a little later.
  static_cast<void>(announce(borrower_, link, addresses));
}

}  // namespace netlend
