#include "net/select.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "base/text.hpp"
#include "net/checks.hpp"
#include "net/kernel/identity.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/ledger.hpp"
#include "net/reap_ledger.hpp"

namespace netlend {

namespace {
using IsLoan = std::function<bool(const Ledger&, const Loan&)>;

std::optional<std::pair<Ledger, Loan>> find_loan(const StateDirectory& state,
                                                 const IsLoan& is_wanted) {
  for (const auto& name : list_ledgers(state)) {
    Failures broken;  // Another container's is no reason not to lend; `reap` reports it.
    std::optional<Ledger> ledger;
    attempt(broken, [&] { ledger = load_ledger(state, name); });
    if (!ledger) continue;
    for (const auto& loan : ledger->loans) {
      if (loan.home && is_wanted(*ledger, loan)) return std::pair{*ledger, loan};
    }
  }
  return std::nullopt;
}

/// Whoever brings it home would take it from a second borrower, whose loan would then take it from
/// home. By its mark, which it keeps where it is moved on to, or by where it was lent to.
void check_not_lent_to_here(const StateDirectory& state, const Site& home, const LinkState& link) {
  const NetnsIdentity& here = home.netns.identity();
  const auto& altnames = link.altnames;
  const auto lent = find_loan(state, [&](const Ledger& ledger, const Loan& loan) {
    if (ledger.home == here) return false;
    return std::find(altnames.begin(), altnames.end(), loan.mark()) != altnames.end() ||
           (ledger.borrower == here && loan.inside_ifindex == link.ifindex &&
            could_be(identify_device(loan.home->link), link));
  });
  if (!lent) return;
  const std::string name = printable(lent->second.home_name());
  throw Error(
      fmt::format("device '{}' can't be lent on: it is '{}' of network namespace {}, which "
                  "lent it to '{}'; 'netlend return {}' brings it home, to be lent from "
                  "there",
                  printable(link.name), name, lent->first.home.inode, lent->first.id.str(), name),
      EBUSY);
}
}  // namespace

LinkState find_wanted(const LendingContext& context, Site& home, const DeviceSelector& selector,
                      Reaping reaping) {
  auto link = select_device(home, selector);
  if (!link) {
    const auto lent = find_loan(context.state, [&](const Ledger& ledger, const Loan& loan) {
      return ledger.home == home.netns.identity() && is_meant(loan.home->link, selector);
    });
    if (lent && reaping == Reaping::yes &&
        reap_ledger(context, lent->first.name, ReapScope::dead).is_closed) {
      link = select_device(home, selector);
    } else if (lent) {
      throw Error(fmt::format("device '{}' is lent to '{}' as '{}'; 'netlend return {}' brings it "
                              "home",
                              printable(lent->second.home_name()), lent->first.id.str(),
                              printable(lent->second.inside), printable(lent->second.home_name())),
                  EBUSY);
    }
  }
  if (!link) {
    throw Error(fmt::format("there is no device '{}' here; 'netlend show' lists them",
                            printable(selector.value)));
  }
  if (const auto why = why_immovable(home, *link)) {
    throw Error(fmt::format("device '{}' {}", printable(link->name), *why));
  }
  check_not_lent_to_here(context.state, home, *link);
  return *std::move(link);
}

void WantedOnce::add(const LinkState& link) {
  if (leases_.insert(lease_name(identify_device(link), home_)).second) return;
  throw Error(fmt::format("device '{}' is wanted twice", printable(link.name)));
}

void check_each_wanted_once(Site& home, const Plan& plan) {
  WantedOnce wanted(home.netns.identity());
  for (const auto& nic : plan.nics) {
    const auto* selector = std::get_if<DeviceSelector>(&nic.source);
    if (selector == nullptr) continue;
    const auto link = select_device(home, *selector);
    if (link) wanted.add(*link);
  }
}

}  // namespace netlend
