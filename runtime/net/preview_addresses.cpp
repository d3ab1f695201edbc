#include "net/preview_addresses.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/checks.hpp"
#include "net/kernel/l3_namespace.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/home_changes.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/preflight.hpp"
#include "net/l3/routed_messages.hpp"
#include "net/l3/rule_places.hpp"
#include "net/ledger/lease.hpp"

namespace netlend {

namespace {
// The name of the pair is made up anew by each loan.
constexpr const char* kPair = "nl-...";

void add_ports(const AddressLoan& loan, const LentAddress& lent, PlanReport& report) {
  report.changes.push_back(fmt::format(
      "what comes for{} of {} of '{}' goes to '{}' inside, in mode '{}': by a {} pair '{}' here; "
      "the rest of it is this machine's",
      describe_ports(loan.ports), lent.home.address().str(), printable(lent.device_name),
      printable(loan.inside), loan.mode, pair_kind(mode_of(loan)), kPair));
}

void add_address(const AddressLoan& loan, const LentAddress& lent, PlanReport& report) {
  const AddressMode mode = mode_of(loan);
  const std::string device =
      is_direct(mode) ? fmt::format("a device of kind '{}' and a ", loan.mode) : std::string("a ");
  report.changes.push_back(fmt::format(
      "{} of '{}' is that of '{}' inside, in mode '{}': by {}{} pair '{}' here; {} answers for it "
      "on its network, and this machine speaks from {}",
      lent.home.address().str(), printable(lent.device_name), printable(loan.inside), loan.mode,
      device, pair_kind(mode), kPair, is_answered_by_home(mode) ? "this machine" : "the borrower",
      IpAddress::from_bytes(lent.substitute).str()));
  if (lent.home.family == AF_INET6) {
    report.changes.push_back(fmt::format("{} waits on 'lo' meanwhile", lent.home.address().str()));
  }
  report.restored.push_back(fmt::format("address {} on '{}'", printable(describe(lent.home)),
                                        printable(lent.device_name)));
}

void add_in_kernel(const AddressLoan& loan, PlanReport& report) {
  for (const auto& lent : loan.addresses) {
    report.changes.push_back(fmt::format(
        "{} of '{}' stays there and is the container's alone, in mode '{}': in an L3 network "
        "namespace; this machine speaks from {}",
        lent.home.address().str(), printable(lent.device_name), loan.mode,
        IpAddress::from_bytes(lent.substitute).str()));
  }
  report.changes.emplace_back("devices and routes inside are those of this machine");
  report.restored.emplace_back("all: nothing else changes here");
}

std::string describe_rule(FibRule rule, const AddressLoan& loan) {
  if (rule.iif == loan.host_name) rule.iif = kPair;
  std::string text = describe(rule);
  // That table's number goes by the pair's.
  if (rule.to && !loan.ports.empty()) {
    text = text.substr(0, text.find(" lookup ")) + " lookup its own table";
  }
  return fmt::format("'{}' of {}", printable(text), rule.family == AF_INET ? "IPv4" : "IPv6");
}

/// Beside which ours has no place.
bool has_usual_default_route(Site& borrower, int family) {
  const auto routes = list_default_routes(borrower.socket, family);
  return std::any_of(routes.begin(), routes.end(), [](const RouteRecord& route) {
    return route.table == RT_TABLE_MAIN && has_usual_metric(route);
  });
}

std::string describe_firewall(const AddressLoan& loan) {
  const AddressMode mode = mode_of(loan);
  const std::string what = loan.ports.empty() ? "is lent" : "goes to the ports that are lent";
  if (is_forwarded(mode)) {
    return fmt::format(
        "what {} is forwarded: this machine's firewall rules for its input don't protect it", what);
  }
  if (is_on_lan(mode)) {
    return fmt::format("what {} passes none of this machine's firewall rules", what);
  }
  return {};
}
}  // namespace

AddressPreview::AddressPreview(const LendingContext& context, Site& home,
                               const LendOptions& options, Site* borrower)
    : context_(context), home_(home), options_(options), borrower_(borrower) {
  ledger_.home = home.netns.identity();
}

AddressScene AddressPreview::scene() {
  static const StepCallback kNoSteps;
  return {.state = context_.state,
          .ledger = ledger_,
          .home = home_,
          .on_step = kNoSteps,
          .borrower = borrower_,
          .is_in_l3_namespace = borrower_ == nullptr ? options_.is_in_l3_namespace
                                                     : is_l3_child(borrower_->netns, ledger_.home)};
}

void AddressPreview::check_leases(const AddressPlan& plan) const {
  for (const auto& address : plan.addresses) {
    const auto lease = read_lease(context_.state, address_lease(address, plan.ports, ledger_.home));
    if (lease && is_open(context_.state, lease->ledger_name)) {
      throw Error(fmt::format("address '{}'{} is lent to '{}'", address.str(),
                              describe_ports(plan.ports), lease->id.str()));
    }
  }
}

PlanReport AddressPreview::look(const Plan& plan, const AddressPlan& part) {
  PlanReport report;
  AddressLoan& loan = ledger_.address_loans.emplace_back(new_address_loan(part));
  try {
    if (options_.address_permission) options_.address_permission({part});
    check_leases(part);
    observe_addresses(scene(), plan, part, loan);
    report.mode = loan.mode;
    if (!changes_home(mode_of(loan))) {
      add_in_kernel(loan, report);
      return report;
    }
    for (const auto& lent : loan.addresses) {
      loan.ports.empty() ? add_address(loan, lent, report) : add_ports(loan, lent, report);
    }
    add_default_routes(loan, report);
    add_home_changes(part, loan, report);
    if (options_.force == Force::yes) return report;
    for (const auto& reason : why_addresses_only_by_force(home_, loan)) {
      report.refusals.push_back(fmt::format("{}; {}", reason, way_by_force(options_)));
    }
  } catch (const Error& error) {
    report.refusals.emplace_back(error.what());
    ledger_.address_loans.pop_back();
  }
  return report;
}

void AddressPreview::add_default_routes(const AddressLoan& loan, PlanReport& report) {
  for (const int family : {AF_INET, AF_INET6}) {
    const auto& all = loan.addresses;
    if (std::none_of(all.begin(), all.end(),
                     [&](auto& lent) { return lent.home.family == family; }))
      continue;
    const char* const name = family == AF_INET ? "IPv4" : "IPv6";
    const bool has_one = borrower_ != nullptr && has_usual_default_route(*borrower_, family);
    report.changes.push_back(
        has_one ? fmt::format("the default route of {} inside stays as it is; what is sent from a "
                              "lent address goes by '{}'",
                              name, printable(loan.inside))
                : fmt::format("the default route of {} inside is by '{}'", name,
                              printable(loan.inside)));
  }
}

void AddressPreview::add_home_changes(const AddressPlan& plan, const AddressLoan& loan,
                                      PlanReport& report) {
  if (const auto firewall = describe_firewall(loan); !firewall.empty()) {
    report.changes.push_back(firewall);
  }
  if (is_sent_copies(plan, mode_of(loan))) {
    const std::string by = loan.has_mirrors ? "a filter of tc (clsact, bpf, mirred)"
                                            : fmt::format("table 'netdev {}' of nftables", kPair);
    report.changes.push_back(
        fmt::format("{} copies the broadcasts and multicasts that '{}' receives", by,
                    printable(loan.addresses.front().device_name)));
  }
  add_sysctls(report);
  add_rules(loan, report);
  add_routes(loan, report);
  report.restored.emplace_back(
      "the sysctls, routing rules and sources of routes, when no loan needs others any more");
}

void AddressPreview::say_once(PlanReport& report, const std::string& sentence) {
  if (said_.insert(sentence).second) report.changes.push_back(sentence);
}

void AddressPreview::add_sysctls(PlanReport& report) {
  const auto sysctls = plan_home(scene());
  for (const auto& [key, device, value] : sysctls) {
    say_once(report, fmt::format("sysctl {} becomes {} and is {}", sysctl_name(key, device), value,
                                 read_sysctl(home_.netns, device, key).value_or("")));
  }
}

void AddressPreview::add_rules(const AddressLoan& loan, PlanReport& report) {
  auto there = list_fib_rules(home_.socket, AF_INET);
  const auto more = list_fib_rules(home_.socket, AF_INET6);
  there.insert(there.end(), more.begin(), more.end());
  const auto is_there = [&](const FibRule& rule) {
    return std::find(there.begin(), there.end(), rule) != there.end();
  };
  for (const auto& rule : ledger_.home_changes.removed_rules) {
    if (!is_there(rule)) continue;
    say_once(report, fmt::format("routing rule {} is taken away", describe_rule(rule, loan)));
  }
  auto added = ledger_.home_changes.rules;
  for (auto& rule : source_rules(home_, loan)) added.push_back(std::move(rule));
  for (const auto& lent : loan.addresses) {
    if (sent_by(loan, lent.home.family) != SentBy::rule) continue;
    for (auto& rule : rules_to_borrower(home_, loan, lent, {})) added.push_back(std::move(rule));
  }
  for (const auto& rule : added) {
    if (is_there(rule)) continue;
    const char* why = "";
    if (rule.action == FR_ACT_BLACKHOLE) {
      why = rule.iif == loan.host_name
                ? ": what the borrower sends from another address is dropped"
                : ": this machine becomes no router for what comes by that device";
    }
    say_once(report, fmt::format("routing rule {} is added{}", describe_rule(rule, loan), why));
  }
}

void AddressPreview::add_routes(const AddressLoan& loan, PlanReport& report) {
  for (const auto& [device, route] : ledger_.home_changes.routes) {
    const auto source = route.attributes.find(RTA_PREFSRC);
    if (source == route.attributes.end()) continue;
    for (const auto& lent : loan.addresses) {
      if (lent.home.address().bytes() != source->second || lent.substitute.empty()) continue;
      say_once(report,
               fmt::format("route {} by '{}' names {} as its source", printable(describe(route)),
                           printable(read_link(home_.socket, device).name),
                           IpAddress::from_bytes(lent.substitute).str()));
    }
  }
}

}  // namespace netlend
