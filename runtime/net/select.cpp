#include "net/select.hpp"

#include <fmt/core.h>

#include "base/text.hpp"
#include "net/checks.hpp"
#include "net/kernel/identity.hpp"
#include "net/ledger/lease.hpp"
#include "net/ledger/ledger.hpp"
#include "net/reap_ledger.hpp"

namespace netlend {

namespace {
/// The name of the ledger that holds such a device of this home, and the loan.
std::optional<std::pair<Ledger, Loan>> find_lent(const StateDirectory& state, const Site& home,
                                                 const DeviceSelector& selector) {
  for (const auto& name : list_ledgers(state)) {
    Failures broken;  // Another container's is no reason not to lend; `reap` reports it.
    std::optional<Ledger> ledger;
    attempt(broken, [&] { ledger = load_ledger(state, name); });
    if (!ledger || ledger->home != home.netns.identity()) continue;
    for (const auto& loan : ledger->loans) {
      if (loan.home && is_meant(loan.home->link, selector)) return std::pair{*ledger, loan};
    }
  }
  return std::nullopt;
}
}  // namespace

LinkState find_wanted(const LendingContext& context, Site& home, const DeviceSelector& selector,
                      Reaping reaping) {
  auto link = select_device(home, selector);
  if (!link) {
    const auto lent = find_lent(context.state, home, selector);
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
