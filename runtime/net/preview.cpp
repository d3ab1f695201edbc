#include <fmt/core.h>

#include "base/text.hpp"
#include "net/checks.hpp"
#include "net/kernel/driver.hpp"
#include "net/kernel/packet_sockets.hpp"
#include "net/l3/preflight.hpp"
#include "net/lending.hpp"
#include "net/other_loans.hpp"
#include "net/preview_addresses.hpp"
#include "net/select.hpp"
#include "net/snapshot/unrestorable.hpp"

namespace netlend {

namespace {
void add_wishes(const NicPlan& nic, PlanReport& report) {
  const std::string inside = printable(nic.inside.str());
  const auto add = [&](std::string sentence) { report.changes.push_back(std::move(sentence)); };
  if (nic.mac) add(fmt::format("'{}' gets the MAC address {}", inside, nic.mac->str()));
  if (nic.mtu_bytes) add(fmt::format("'{}' gets the MTU {}", inside, *nic.mtu_bytes));
  for (const auto& address : nic.addresses) add(fmt::format("'{}' gets {}", inside, address.str()));
  if (nic.keep_addresses) add(fmt::format("'{}' keeps the addresses that it has here", inside));
  add(fmt::format("'{}' is {} inside", inside, nic.up ? "up" : "left down"));
  for (const auto& route : nic.routes) {
    add(fmt::format("{} is routed by '{}'{}", route.destination.str(), inside,
                    route.via ? " via " + route.via->str() : ""));
  }
  for (const auto& gateway : nic.gateways) {
    add(fmt::format("the default route inside is via {}", gateway.address.str()));
  }
}

void add_restored(const DeviceSnapshot& snapshot, PlanReport& report) {
  const LinkState& link = snapshot.link;
  report.restored.push_back(fmt::format("name '{}', index {} if free, MTU {}, MAC address {}, {}",
                                        printable(link.name), link.ifindex.value, link.mtu_bytes,
                                        format_link_address(link.address),
                                        link.is_up() ? "up" : "down"));
  for (const auto& altname : link.altnames) {
    report.restored.push_back(fmt::format("altname '{}'", printable(altname)));
  }
  if (!link.alias.empty()) {
    report.restored.push_back(fmt::format("alias '{}'", printable(link.alias)));
  }
  if (!link.ipv6_token.empty()) {
    report.restored.push_back("IPv6 token " + format_token(link.ipv6_token));
  }
  for (const auto& address : snapshot.addresses) {
    report.restored.push_back("address " + printable(describe(address)));
  }
  for (const auto& route : snapshot.routes) {
    report.restored.push_back("route " + printable(describe(route)));
  }
  for (const auto& [device, route] : snapshot.dependent_routes) {
    report.restored.push_back(fmt::format("route {} of device {}, whose source is an address of it",
                                          printable(describe(route)), device.value));
  }
  for (const auto& neighbour : snapshot.neighbours) {
    report.restored.push_back("neighbour " + describe(neighbour));
  }
  if (snapshot.root_qdisc) {
    report.restored.push_back("root qdisc " + describe(*snapshot.root_qdisc));
  }
  if (snapshot.settings) {
    for (const auto& what : describe(*snapshot.settings)) report.restored.push_back(what);
  }
  for (auto& what : describe_relations(link, snapshot.relations)) {
    report.restored.push_back(std::move(what));
  }
  report.restored.push_back(fmt::format("{} sysctls of its own", snapshot.sysctls.size()));
}

void ask_permission(const LendOptions& options, const NicPlan& nic, const LinkState* link) {
  if (!options.permission) return;
  options.permission(
      {{.nic = nic, .device = link, .driver = link == nullptr ? "" : driver_of(link->name)}});
}

/// What all devices of a plan are looked at with.
struct Look {
  const LendingContext& context;
  Site& home;
  const LendOptions& options;
  WantedOnce& wanted;
};

PlanReport preview_device(const Look& look, const NicPlan& nic) {
  auto& [context, home, options, wanted] = look;
  PlanReport report;
  try {
    const LinkState link =
        find_wanted(context, home, std::get<DeviceSelector>(nic.source), Reaping::no);
    wanted.add(link);
    ask_permission(options, nic, &link);
    Ledger none;
    none.home = home.netns.identity();
    check_no_address_lent({.state = context.state, .ledger = none, .home = home, .on_step = {}},
                          link);
    DeviceSnapshot snapshot = take_snapshot_with_dependents(home, link.ifindex);
    complete_by_other_loans(context.state, home, snapshot);
    check_fits(nic, snapshot);
    report.changes.push_back(fmt::format("device '{}' leaves here and is '{}' inside",
                                         printable(link.name), printable(nic.inside.str())));
    if (const auto& wireless = snapshot.relations.wireless) {
      report.changes.push_back(
          fmt::format("its whole Wi-Fi phy '{}' goes along", printable(wireless->phy_name)));
    }
    if (is_learning(link)) {
      report.changes.push_back(
          fmt::format("bridge '{}' forgets the dynamic forwarding entries behind it, learned or "
                      "entered, and learns them again",
                      printable(snapshot.relations.master_name)));
    }
    if (const auto sockets = count_packet_sockets(home, link.ifindex).bound; sockets > 0) {
      report.changes.push_back(fmt::format(
          "{} packet socket{} bound to it (DHCP, LLDP and the like) neither hear{} nor "
          "send{} any more, also when it is home, until bound again",
          sockets, sockets == 1 ? "" : "s", sockets == 1 ? "s" : "", sockets == 1 ? "s" : ""));
    }
    add_wishes(nic, report);
    add_restored(snapshot, report);
    report.lost = unrestorable(home, snapshot);
    if (options.force == Force::yes) return report;
    for (const auto& reason : why_only_by_force(home, snapshot)) {
      report.refusals.push_back(fmt::format("{}; {}", reason, way_by_force(options)));
    }
  } catch (const Error& error) {
    report.refusals.emplace_back(error.what());
  }
  return report;
}

PlanReport preview_pair(Site& home, const NicPlan& nic, const LendOptions& options) {
  const auto& veth = std::get<VethPair>(nic.source);
  PlanReport report;
  try {
    ask_permission(options, nic, nullptr);
  } catch (const Error& error) {
    report.refusals.emplace_back(error.what());
  }
  const std::string name = veth.host_name ? veth.host_name->str() : "nl-...";
  report.changes.push_back(fmt::format("a veth pair is made: '{}' here and '{}' inside",
                                       printable(name), printable(nic.inside.str())));
  if (veth.bridge) {
    report.changes.push_back(
        fmt::format("'{}' joins bridge '{}'", printable(name), printable(veth.bridge->str())));
    const auto bridge = find_link(home.socket, veth.bridge->str());
    if (!bridge || bridge->kind != "bridge") {
      report.refusals.push_back(
          fmt::format("there is no bridge '{}' here", printable(veth.bridge->str())));
    }
  }
  for (const auto& address : veth.host_addresses) {
    report.changes.push_back(fmt::format("'{}' gets {}", printable(name), address.str()));
  }
  add_wishes(nic, report);
  report.restored.emplace_back("nothing: the pair is removed after it");
  if (veth.host_name && find_link(home.socket, name)) {
    report.refusals.push_back(fmt::format("the name '{}' is taken here", printable(name)));
  }
  return report;
}

void check_inside(const Borrower& borrower, const NicPlan& nic, PlanReport& report) {
  Site inside{borrower.netns.duplicate()};
  const auto taken = find_link(inside.socket, nic.inside.str());
  if (taken && taken->name == nic.inside.str()) {
    report.refusals.push_back(fmt::format("the name '{}' is taken in '{}'",
                                          printable(nic.inside.str()), borrower.id.str()));
  }
  for (const auto& gateway : nic.gateways) {
    for (const auto& other : list_default_routes(inside.socket, gateway.address.family())) {
      if (has_usual_metric(other)) {
        report.refusals.emplace_back(second_gateway(gateway, borrower.id).what());
      } else {
        report.changes.push_back(fmt::format(
            "'{}' has another default route, {}; of the two, that with the lower metric "
            "is used",
            borrower.id.str(), printable(describe(other))));
      }
    }
  }
}
}  // namespace

std::vector<PlanReport> preview(const LendingContext& context, const Plan& plan,
                                const Borrower* borrower, const LendOptions& options) {
  Site home{Netns::current()};
  std::vector<PlanReport> reports;
  WantedOnce wanted(home.netns.identity());
  for (const auto& nic : plan.nics) {
    reports.push_back(std::holds_alternative<VethPair>(nic.source)
                          ? preview_pair(home, nic, options)
                          : preview_device({context, home, options, wanted}, nic));
    if (borrower != nullptr) check_inside(*borrower, nic, reports.back());
  }
  std::optional<Site> inside;
  if (borrower != nullptr && !plan.addresses.empty()) inside.emplace(borrower->netns.duplicate());
  AddressPreview addresses(context, home, options, inside ? &*inside : nullptr);
  for (const auto& lent : plan.addresses) reports.push_back(addresses.look(plan, lent));
  return reports;
}

}  // namespace netlend
