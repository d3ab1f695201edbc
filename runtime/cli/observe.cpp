#include "cli/observe.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "cli/ledgers.hpp"
#include "net/kernel/site.hpp"
#include "net/ledger/pin.hpp"
#include "net/locate.hpp"

namespace netlend::cli {

namespace {
std::vector<DeviceView> observe_devices(Site& site) {
  std::vector<DeviceView> devices;
  auto links = list_links(site.socket);
  std::sort(links.begin(), links.end(),
            [](const auto& left, const auto& right) { return left.ifindex < right.ifindex; });
  for (const auto& link : links) {
    try {
      DeviceView device{
          .state = take_snapshot(site, link.ifindex), .master_name = {}, .loan_id = {}};
      if (link.master) {
        const auto master = find_link(site.socket, link.master->ifindex);
        if (master) device.master_name = master->name;
      }
      devices.push_back(std::move(device));
    } catch (const Error&) {
      // It may go while it is looked at; whatever is still there has a right to be shown.
      if (find_link(site.socket, link.ifindex)) throw;
    }
  }
  return devices;
}

class Observer {
 public:
  explicit Observer(const StateDirectory& state) : state_(state) {}

  void add_ledger(const Ledger& ledger) {
    LoanSites sites(state_, ledger);
    add(Role::home, describe_home(ledger.home), sites.home());
    if (Site* borrower = sites.borrower())
      add(Role::borrower, describe_borrower(ledger), *borrower);
    auto staging =
        ledger.pin ? open_pin(state_, pin_place(ledger, PinFolder::staging)) : std::nullopt;
    if (staging) {
      Site site(*std::move(staging));
      add(Role::staging, ledger.name, site);
    }
    for (const auto& loan : ledger.loans) mark_loan(sites, loan);
  }

  void add(Role role, std::string name, Site& site) {
    const NetnsIdentity& identity = site.netns.identity();
    if (find(identity) != nullptr) return;
    result_.namespaces.push_back({.role = role,
                                  .name = std::move(name),
                                  .identity = identity,
                                  .devices = observe_devices(site)});
  }

  /// A home that can't be looked at: what it has lent is still to be shown.
  void add_hidden(const NetnsIdentity& home) {
    if (find(home) != nullptr) return;
    result_.namespaces.push_back(
        {.role = Role::home, .name = describe_home(home), .identity = home, .devices = {}});
  }

  Observation& result() noexcept { return result_; }

 private:
  NamespaceView* find(const NetnsIdentity& identity) {
    const auto found = std::find_if(result_.namespaces.begin(), result_.namespaces.end(),
                                    [&](const auto& shown) { return shown.identity == identity; });
    return found == result_.namespaces.end() ? nullptr : &*found;
  }

  void mark_loan(LoanSites& sites, const Loan& loan) {
    if (loan.pair) {
      if (sites.borrower() != nullptr && loan.inside_ifindex) {
        mark(sites.borrower()->netns.identity(), *loan.inside_ifindex, loan.id);
      }
    } else if (const auto location = sites.locate(loan)) {
      mark(location->site->netns.identity(), location->link.ifindex, loan.id);
    }
  }

  void mark(const NetnsIdentity& where, IfIndex ifindex, const std::string& loan_id) {
    NamespaceView* shown = find(where);
    if (shown == nullptr) return;
    for (auto& device : shown->devices) {
      if (device.state.link.ifindex == ifindex) device.loan_id = loan_id;
    }
  }

  const StateDirectory& state_;
  Observation result_;
};
}  // namespace

Observation observe(const StateDirectory& state) {
  Observer observer(state);
  Site home(Netns::current());
  observer.add(Role::home, "", home);
  OpenLedgers open = load_ledgers(state);
  Observation& result = observer.result();
  result.failures = std::move(open.broken);
  for (const auto& ledger : open.ledgers) {
    const bool is_seen = attempt(result.failures, [&] { observer.add_ledger(ledger); });
    if (!is_seen) attempt(result.failures, [&] { observer.add_hidden(ledger.home); });
  }
  result.ledgers = std::move(open.ledgers);
  return std::move(result);
}

}  // namespace netlend::cli
