#include "net/l3/home_changes.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/mode.hpp"

namespace netlend {

namespace {
constexpr int kLockTimeoutMs = 15'000;
// Where the rule of IPv6 goes that asks for the host's own addresses: behind ours.
constexpr std::uint32_t kLocalBehindOurs = 10;
constexpr const char* kForwarding4 = "ipv4/conf/forwarding";
constexpr const char* kForwarding6 = "ipv6/conf/forwarding";
constexpr const char* kAcceptRa = "ipv6/conf/accept_ra";

bool asks_local_table(const FibRule& rule) {
  return rule.action == FR_ACT_TO_TBL && rule.table == RT_TABLE_LOCAL && !rule.from && !rule.to &&
         rule.iif.empty();
}

bool has_ports(const AddressLoan& loan) { return !loan.ports.empty(); }

/// The kernel knows whose the addresses are, and routes to them as before.
bool needs_nothing(const AddressLoan& loan) { return mode_of(loan) == AddressMode::kernel; }

bool is_same_route(const DeviceRoute& left, const DeviceRoute& right) {
  const auto attribute = [](const DeviceRoute& route, std::uint16_t type) {
    const auto found = route.route.attributes.find(type);
    return found == route.route.attributes.end() ? std::string{} : found->second;
  };
  return left.device == right.device && left.route.family == right.route.family &&
         left.route.table == right.route.table && left.route.tos == right.route.tos &&
         left.route.destination_bits == right.route.destination_bits &&
         attribute(left, RTA_DST) == attribute(right, RTA_DST) &&
         attribute(left, RTA_PRIORITY) == attribute(right, RTA_PRIORITY);
}

bool is_same_sysctl(const ChangedSysctl& left, const ChangedSysctl& right) {
  return left.device == right.device && left.key == right.key;
}

/// What of `wanted` is in `all`, by `is_same`.
template <typename Item, typename Same>
const Item* find_same(const std::vector<Item>& all, const Item& wanted, Same is_same) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Item& item) { return is_same(item, wanted); });
  return found == all.end() ? nullptr : &*found;
}

/// All that other ledgers have changed and still need.
HomeChanges needed_by_others(const AddressScene& scene) {
  HomeChanges all;
  for (const auto& ledger : other_address_ledgers(scene)) {
    const auto add = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    add(all.sysctls, ledger.home_changes.sysctls);
    add(all.rules, ledger.home_changes.rules);
    add(all.removed_rules, ledger.home_changes.removed_rules);
    add(all.routes, ledger.home_changes.routes);
  }
  return all;
}

std::string name_of(const AddressScene& scene, IfIndex device) {
  return read_link(scene.home.socket, device).name;
}

struct NewSysctl {
  ChangedSysctl sysctl;
  std::string device_name;
  std::string value;
};

/// Finds out what has to change for the addresses of a ledger, and changes it.
class Preparation {
 public:
  explicit Preparation(const AddressScene& scene)
      : scene_(scene), others_(needed_by_others(scene)), changes_(scene.ledger.home_changes) {}

  void plan() {
    std::set<int> families;
    std::set<std::pair<int, IfIndex>> uplinks;
    for (const auto& loan : scene_.ledger.address_loans) {
      if (needs_nothing(loan)) continue;
      for (const auto& lent : loan.addresses) {
        families.insert(lent.home.family);
        if (is_answered_by_home(mode_of(loan))) uplinks.insert({lent.home.family, lent.device});
      }
    }
    for (const int family : families) plan_rules(family);
    for (const auto& [family, device] : uplinks) {
      if (family == AF_INET) plan_ipv4(device);
      if (family == AF_INET6) plan_ipv6(device);
    }
    plan_routes();
  }

  void carry_out();

 private:
  void plan_ipv4(IfIndex device);
  void plan_ipv6(IfIndex device);
  void plan_rules(int family);
  void plan_routes();
  std::string before(IfIndex device, const std::string& key);
  void want_sysctl(IfIndex device, const std::string& key, const std::string& value);
  void want_rule(const FibRule& rule);
  /// Nobody else is to find a router where there was none.
  void stay_no_router(int family, IfIndex device);

  const AddressScene& scene_;
  HomeChanges others_;
  HomeChanges& changes_;
  std::vector<NewSysctl> new_sysctls_;
  std::vector<DeviceRoute> new_routes_;
};

/// As it was before the first loan.
std::string Preparation::before(IfIndex device, const std::string& key) {
  const ChangedSysctl wanted{.device = device, .key = key, .before = {}};
  if (const auto* shared = find_same(others_.sysctls, wanted, is_same_sysctl)) {
    return shared->before;
  }
  return read_sysctl(scene_.home.netns, name_of(scene_, device), key).value_or("");
}

void Preparation::want_sysctl(IfIndex device, const std::string& key, const std::string& value) {
  const ChangedSysctl sysctl{.device = device, .key = key, .before = before(device, key)};
  const bool is_known = find_same(changes_.sysctls, sysctl, is_same_sysctl) != nullptr;
  if (sysctl.before == value || sysctl.before.empty() || is_known) return;
  changes_.sysctls.push_back(sysctl);
  new_sysctls_.push_back({sysctl, name_of(scene_, device), value});
}

void Preparation::want_rule(const FibRule& rule) {
  const auto is_same = [](const FibRule& left, const FibRule& right) { return left == right; };
  if (find_same(changes_.rules, rule, is_same) == nullptr) changes_.rules.push_back(rule);
}

void Preparation::stay_no_router(int family, IfIndex device) {
  want_rule({.family = family,
             .priority = rule_places(scene_.home, family, SentBy::route).behind_local,
             .action = FR_ACT_BLACKHOLE,
             .iif = name_of(scene_, device)});
}

void Preparation::plan_ipv4(IfIndex device) {
  if (before(device, kForwarding4) == "0") stay_no_router(AF_INET, device);
  want_sysctl(device, "ipv4/neigh/proxy_delay", "0");
  want_sysctl(device, kForwarding4, "1");
}

void Preparation::plan_ipv6(IfIndex device) {
  if (before(device, kForwarding6) == "0") {
    stay_no_router(AF_INET6, device);
    // Forwarding on one device deletes the default routes that routers announced on any, unless it
    // is to accept them all the same (net/ipv6/addrconf.c, addrconf_fixup_forwarding).
    for (const auto& link : list_links(scene_.home.socket)) {
      if (before(link.ifindex, kAcceptRa) == "1") want_sysctl(link.ifindex, kAcceptRa, "2");
    }
  }
  want_sysctl(device, "ipv6/neigh/proxy_delay", "0");
  want_sysctl(device, "ipv6/conf/proxy_ndp", "1");
  want_sysctl(device, "ipv6/conf/force_forwarding", "1");
  // The proxy is silent without it, force_forwarding or not (net/ipv6/ndisc.c, ndisc_recv_ns).
  want_sysctl(device, kForwarding6, "1");
}

void Preparation::plan_rules(int family) {
  const auto go_on_at = [&](std::uint32_t priority) {
    want_rule({.family = family, .priority = priority, .action = FR_ACT_NOP});
  };
  const auto& loans = scene_.ledger.address_loans;
  go_on_at(rule_places(scene_.home, family, SentBy::route).go_on);
  if (family == AF_INET && std::none_of(loans.begin(), loans.end(), has_ports)) return;
  go_on_at(rule_places(scene_.home, family, SentBy::rule).go_on);
  // Of an IPv4 address that is lent whole beside ports of another.
  go_on_at(kLocalBehindOurs + 1);
  const FibRule behind{.family = family,
                       .priority = kLocalBehindOurs,
                       .action = FR_ACT_TO_TBL,
                       .table = RT_TABLE_LOCAL};
  const FibRule usual{.family = family,
                      .priority = 0,
                      .action = FR_ACT_TO_TBL,
                      .table = RT_TABLE_LOCAL,
                      .protocol = RTPROT_KERNEL};
  const auto rules = list_fib_rules(scene_.home.socket, family);
  const bool is_moved_by_us =
      std::find(others_.rules.begin(), others_.rules.end(), behind) != others_.rules.end();
  if (std::find(rules.begin(), rules.end(), usual) == rules.end() && !is_moved_by_us) return;
  want_rule(behind);
  if (std::find(changes_.removed_rules.begin(), changes_.removed_rules.end(), usual) ==
      changes_.removed_rules.end()) {
    changes_.removed_rules.push_back(usual);
  }
}

void Preparation::plan_routes() {
  for (const auto& loan : scene_.ledger.address_loans) {
    // Home goes on speaking from it; the kernel chooses another source by itself.
    if (has_ports(loan) || needs_nothing(loan)) continue;
    for (const auto& lent : loan.addresses) {
      const std::string source(lent.home.address().bytes());
      for (auto& route : list_routes_from(scene_.home.socket, {source}, lent.home.family)) {
        const auto* shared = find_same(others_.routes, route, is_same_route);
        if (route.route.protocol != kNetlendProtocol) {
          changes_.routes.push_back(shared != nullptr ? *shared : route);
        }
        route.route.attributes[RTA_PREFSRC] = lent.substitute;
        new_routes_.push_back(std::move(route));
      }
    }
  }
}

void Preparation::carry_out() {
  // Rules before what they keep from others. Also those that another ledger has: whoever wrote it
  // may have been killed before it added them.
  for (const auto& rule : changes_.rules) {
    scene_.ensure(scene_.home, add_fib_rule(rule, "add rule " + describe(rule)));
  }
  for (const auto& rule : changes_.removed_rules) {
    scene_.ensure(scene_.home, remove_fib_rule(rule, "take away rule " + describe(rule)));
  }
  for (const auto& [sysctl, device, value] : new_sysctls_) {
    if (scene_.on_step) scene_.on_step(fmt::format("set {} of '{}'", sysctl.key, device));
    write_sysctl(scene_.home.netns, device, sysctl.key, value);
  }
  for (const auto& [device, route] : new_routes_) {
    scene_.ensure(scene_.home,
                  replace_route(device, route, fmt::format("route {}", describe(route))));
  }
}

/// Puts back what only this ledger needs.
class PuttingBack {
 public:
  PuttingBack(const AddressScene& scene, Failures& failures)
      : scene_(scene), failures_(failures), others_(needed_by_others(scene)) {}

  void carry_out(const HomeChanges& changes) {
    // Backwards: forwarding ends before the rules do that limit it.
    std::for_each(changes.sysctls.rbegin(), changes.sysctls.rend(),
                  [&](const auto& sysctl) { put_back(sysctl); });
    put_back_rules(changes);
    for (const auto& route : changes.routes) {
      if (find_same(others_.routes, route, is_same_route) != nullptr) continue;
      attempt(failures_, [&] {
        scene_.ensure(scene_.home, replace_route(route.device, route.route,
                                                 "restore route " + describe(route.route)));
      });
    }
  }

 private:
  void put_back(const ChangedSysctl& sysctl) {
    if (find_same(others_.sysctls, sysctl, is_same_sysctl) != nullptr) return;
    attempt(failures_, [&] {
      const auto link = find_link(scene_.home.socket, sysctl.device);
      if (!link) return;  // The device is gone, and its sysctls with it.
      if (scene_.on_step) scene_.on_step(fmt::format("restore {} of '{}'", sysctl.key, link->name));
      write_sysctl(scene_.home.netns, link->name, sysctl.key, sysctl.before);
    });
  }

  void put_back_rules(const HomeChanges& changes) {
    const auto is_needed = [](const std::vector<FibRule>& others, const FibRule& rule) {
      return std::find(others.begin(), others.end(), rule) != others.end();
    };
    // First those that were there: a moment without the rule for local addresses is a deaf machine.
    for (const auto& rule : changes.removed_rules) {
      if (is_needed(others_.removed_rules, rule)) continue;
      attempt(failures_, [&] {
        scene_.ensure(scene_.home, add_fib_rule(rule, "restore rule " + describe(rule)));
      });
    }
    for (const auto& rule : changes.rules) {
      if (is_needed(others_.rules, rule)) continue;
      attempt(failures_, [&] {
        scene_.ensure(scene_.home, remove_fib_rule(rule, "remove rule " + describe(rule)));
      });
    }
  }

  const AddressScene& scene_;
  Failures& failures_;
  HomeChanges others_;
};
}  // namespace

SentBy sent_by(const AddressLoan& loan, int family) {
  return family == AF_INET && loan.ports.empty() ? SentBy::route : SentBy::rule;
}

RulePlaces rule_places(Site& home, int family, SentBy by) {
  const auto rules = list_fib_rules(home.socket, family);
  const auto local = std::find_if(rules.begin(), rules.end(), asks_local_table);
  if (local == rules.end()) {
    throw Error("no routing rule asks for this machine's own addresses (ip rule add lookup local)");
  }
  // The host's own addresses are asked for first, and what is lent stands before them there. A rule
  // can't go on at its own number, so the mark to go on at is the next one.
  const std::uint32_t behind_local = std::max(local->priority, kLocalBehindOurs) + 1;
  if (family == AF_INET && by == SentBy::route) {
    return {.local = local->priority,
            .own_source = local->priority,
            .foreign_source = local->priority,
            .go_on = local->priority + 1,
            .to_borrower = 0,
            .behind_local = behind_local};
  }
  // Where a rule sends it, ours go before the one that asks that table.
  constexpr RulePlaces kBefore{.local = kLocalBehindOurs,
                               .own_source = 3,
                               .foreign_source = 5,
                               .go_on = 6,
                               .to_borrower = 7};
  if (local->priority != 0 && local->priority <= kBefore.to_borrower) {
    throw Error(fmt::format(
        "the routing rule for this machine's own addresses has number {}, and netlend's "
        "go before it with 3 to 7; give it a higher one",
        local->priority));
  }
  RulePlaces places = kBefore;
  places.behind_local = behind_local;
  if (local->priority != 0) places.local = local->priority;
  return places;
}

LedgerLock lock_home(const AddressScene& scene) {
  return LedgerLock::acquire(scene.state, fmt::format("home-{}", scene.ledger.home.inode),
                             kLockTimeoutMs);
}

void prepare_home(const AddressScene& scene) {
  Preparation preparation(scene);
  preparation.plan();
  save_ledger(scene.state, scene.ledger);
  preparation.carry_out();
}

void put_back_home(const AddressScene& scene, Failures& failures) noexcept {
  attempt(failures, [&] {
    LedgerLock lock = lock_home(scene);
    PuttingBack(scene, failures).carry_out(scene.ledger.home_changes);
    scene.ledger.home_changes = {};
    // Whoever comes next must not take for needed what is put back; a full disk is no obstacle.
    Failures no_disk;
    attempt(no_disk, [&] { save_ledger(scene.state, scene.ledger); });
    lock.remove();
  });
}

}  // namespace netlend
