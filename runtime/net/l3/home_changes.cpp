#include "net/l3/home_changes.hpp"

#include <fmt/core.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/broadcast_copies.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/own_routes.hpp"
#include "net/l3/rule_places.hpp"
#include "net/l3/source_routes.hpp"

namespace netlend {

namespace {
constexpr int kLockTimeoutMs = 15'000;
constexpr const char* kForwarding4 = "ipv4/conf/forwarding";
constexpr const char* kForwarding6 = "ipv6/conf/forwarding";
constexpr const char* kForceForwarding = "ipv6/conf/force_forwarding";
constexpr const char* kAcceptRa = "ipv6/conf/accept_ra";

bool has_ports(const AddressLoan& loan) { return !loan.ports.empty(); }

/// That of `all`, where setting it sets every device (devinet_sysctl_forward of IPv4, addrconf.c's
/// addrconf_fixup_forwarding and addrconf_force_forward_change).
std::optional<std::string> value_of_all(const Site& home, const std::string& key) {
  if (key != kForwarding4 && key != kForwarding6 && key != kForceForwarding) return std::nullopt;
  return read_sysctl(home.netns, "all", key);
}

/// What home itself would have the sysctl be: as it was, unless all devices were set since.
std::string home_wants(const Site& home, const ChangedSysctl& changed) {
  const auto all = value_of_all(home, changed.key);
  return all && changed.all && *all != *changed.all ? *all : changed.before;
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
    add(all.ingress_qdiscs, ledger.home_changes.ingress_qdiscs);
  }
  return all;
}

std::string name_of(const AddressScene& scene, IfIndex device) {
  return read_link(scene.home.socket, device).name;
}

/// Finds out what has to change for the addresses of a ledger, and changes it.
class Preparation {
 public:
  explicit Preparation(const AddressScene& scene)
      : scene_(scene), others_(needed_by_others(scene)), changes_(scene.ledger.home_changes) {}

  void plan();
  void carry_out();
  const std::vector<NewSysctl>& new_sysctls() const { return new_sysctls_; }

 private:
  void plan_ipv4(IfIndex device);
  void plan_ipv6(IfIndex device);
  void plan_rules(int family);
  std::set<IfIndex> ways_to_home(int family);
  ChangedSysctl at_home(IfIndex device, const std::string& key);
  bool routes_at_home(int family, IfIndex device);
  void want_sysctl(IfIndex device, const std::string& key, const std::string& value);
  void want_rule(const FibRule& rule);
  void forward(int family, IfIndex device);
  void keep_router_announcements(IfIndex forwarding);

  const AddressScene& scene_;
  HomeChanges others_;
  HomeChanges& changes_;
  std::vector<NewSysctl> new_sysctls_;
  std::vector<FibRule> retired_rules_;
  std::vector<SourceChange> new_routes_;
};

void Preparation::plan() {
  std::set<int> families;
  std::set<int> forwarded;
  std::set<std::pair<int, IfIndex>> uplinks;
  for (const auto& loan : scene_.ledger.address_loans) {
    if (!changes_home(mode_of(loan))) continue;
    for (const auto& lent : loan.addresses) {
      families.insert(lent.home.family);
      if (is_forwarded(mode_of(loan))) forwarded.insert(lent.home.family);
      // It may have gone since.
      if (!is_answered_by_home(mode_of(loan)) || !find_link(scene_.home.socket, lent.device))
        continue;
      uplinks.insert({lent.home.family, lent.device});
    }
  }
  for (const int family : families) plan_rules(family);
  for (const auto& [family, device] : uplinks) {
    if (family == AF_INET) plan_ipv4(device);
    if (family == AF_INET6) plan_ipv6(device);
  }
  for (const int family : forwarded) {
    for (const IfIndex device : ways_to_home(family)) forward(family, device);
  }
  new_routes_ = plan_source_routes(scene_, others_, changes_);
}

/// The devices that packets for an address of home's come by, whichever device has it, as far as
/// home's routes say; and those that have been taken for one before.
std::set<IfIndex> Preparation::ways_to_home(int family) {
  const char* const key = family == AF_INET ? kForwarding4 : kForceForwarding;
  std::set<IfIndex> devices = list_route_devices(scene_.home.socket, family);
  for (const auto& sysctl : changes_.sysctls) {
    if (sysctl.key == key) devices.insert(sysctl.device);
  }
  std::erase_if(devices, [&](IfIndex device) {
    const auto link = find_link(scene_.home.socket, device);
    // To what is in a VRF, these addresses are not home's.
    return !link || link->is_loopback() || (link->master && link->master->kind == "vrf");
  });
  return devices;
}

/// What home wants of it, and `all` now.
ChangedSysctl Preparation::at_home(IfIndex device, const std::string& key) {
  ChangedSysctl sysctl{
      .device = device, .key = key, .before = {}, .all = value_of_all(scene_.home, key)};
  const auto* known = find_same(changes_.sysctls, sysctl, is_same_sysctl);
  if (known == nullptr) known = find_same(others_.sysctls, sysctl, is_same_sysctl);
  sysctl.before = known != nullptr
                      ? home_wants(scene_.home, *known)
                      : read_sysctl(scene_.home.netns, name_of(scene_, device), key).value_or("");
  return sysctl;
}

/// Whether home sends on what comes in by the device for others, whoever asked it to.
bool Preparation::routes_at_home(int family, IfIndex device) {
  if (family == AF_INET) return at_home(device, kForwarding4).before != "0";
  // net/ipv6/ip6_output.c, ip6_forward.
  return read_sysctl(scene_.home.netns, "all", kForwarding6) != "0" ||
         at_home(device, kForceForwarding).before == "1";
}

void Preparation::want_sysctl(IfIndex device, const std::string& key, const std::string& value) {
  const ChangedSysctl sysctl = at_home(device, key);
  if (sysctl.before.empty()) return;  // This kernel hasn't got it.
  const auto known =
      std::find_if(changes_.sysctls.begin(), changes_.sysctls.end(),
                   [&](const ChangedSysctl& each) { return is_same_sysctl(each, sysctl); });
  if (sysctl.before == value) {
    if (known != changes_.sysctls.end()) changes_.sysctls.erase(known);
  } else if (known != changes_.sysctls.end()) {
    *known = sysctl;
  } else {
    changes_.sysctls.push_back(sysctl);
  }
  const std::string name = name_of(scene_, device);
  if (read_sysctl(scene_.home.netns, name, key) == value) return;
  new_sysctls_.push_back({key, name, value});
}

void Preparation::want_rule(const FibRule& rule) {
  const auto is_same = [](const FibRule& left, const FibRule& right) { return left == right; };
  if (find_same(changes_.rules, rule, is_same) == nullptr) changes_.rules.push_back(rule);
}

/// Takes in what is for the lent addresses. Nobody else is to find a router where there was none;
/// and once home is one, by its own will, nothing is to be kept from others, whichever ledger it is
/// for.
void Preparation::forward(int family, IfIndex device) {
  const FibRule for_others{.family = family,
                           .priority = rule_places(scene_.home, family, SentBy::route).behind_local,
                           .action = FR_ACT_BLACKHOLE,
                           .iif = name_of(scene_, device)};
  if (!routes_at_home(family, device)) {
    want_rule(for_others);
  } else {
    const auto is_retired = [&](const FibRule& rule) {
      return rule.family == family && rule.action == FR_ACT_BLACKHOLE && rule.iif == for_others.iif;
    };
    for (const auto* rules : {&changes_.rules, &others_.rules}) {
      std::copy_if(rules->begin(), rules->end(), std::back_inserter(retired_rules_), is_retired);
    }
    std::erase_if(changes_.rules, is_retired);
  }
  want_sysctl(device, family == AF_INET ? kForwarding4 : kForceForwarding, "1");
}

void Preparation::plan_ipv4(IfIndex device) {
  want_sysctl(device, "ipv4/neigh/proxy_delay", "0");
  forward(AF_INET, device);
}

void Preparation::plan_ipv6(IfIndex device) {
  const ChangedSysctl forwarding = at_home(device, kForwarding6);
  const bool is_on = find_same(changes_.sysctls, forwarding, is_same_sysctl) != nullptr &&
                     read_sysctl(scene_.home.netns, name_of(scene_, device), kForwarding6) == "1";
  if (forwarding.before == "0" && !is_on) keep_router_announcements(device);
  want_sysctl(device, "ipv6/neigh/proxy_delay", "0");
  want_sysctl(device, "ipv6/conf/proxy_ndp", "1");
  forward(AF_INET6, device);
  // The proxy is silent without it, force_forwarding or not (net/ipv6/ndisc.c, ndisc_recv_ns).
  want_sysctl(device, kForwarding6, "1");
}

/// Forwarding on one device deletes the default routes that routers announced on any, unless that
/// is to accept them all the same (net/ipv6/addrconf.c, addrconf_fixup_forwarding); and the one
/// itself would listen to no router any more.
void Preparation::keep_router_announcements(IfIndex forwarding) {
  auto devices = list_announced_ways_out(scene_.home.socket);
  devices.insert(forwarding);
  for (const IfIndex device : devices) {
    if (at_home(device, kAcceptRa).before == "1") want_sysctl(device, kAcceptRa, "2");
  }
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
  const auto has_moved = [&](const std::vector<FibRule>& ours) {
    return std::find(ours.begin(), ours.end(), behind) != ours.end();
  };
  const bool is_moved_by_us = has_moved(others_.rules) || has_moved(changes_.rules);
  if (std::find(rules.begin(), rules.end(), usual) == rules.end() && !is_moved_by_us) return;
  want_rule(behind);
  if (std::find(changes_.removed_rules.begin(), changes_.removed_rules.end(), usual) ==
      changes_.removed_rules.end()) {
    changes_.removed_rules.push_back(usual);
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
  for (const auto& rule : retired_rules_) {
    scene_.ensure(scene_.home, remove_fib_rule(rule, "remove rule " + describe(rule)));
  }
  for (const auto& [key, device, value] : new_sysctls_) {
    if (scene_.on_step) scene_.on_step(fmt::format("set {} of '{}'", key, device));
    write_sysctl(scene_.home.netns, device, key, value);
  }
  for (const auto& [now, wanted] : new_routes_) change_route(scene_, now, wanted);
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
    put_back_source_routes(scene_, others_, failures_);
    restore_own_routes(scene_, failures_);
    put_back_ingress(scene_, others_, failures_);
  }

 private:
  void put_back(const ChangedSysctl& sysctl) {
    if (find_same(others_.sysctls, sysctl, is_same_sysctl) != nullptr) return;
    attempt(failures_, [&] {
      const auto link = find_link(scene_.home.socket, sysctl.device);
      if (!link) return;  // The device is gone, and its sysctls with it.
      if (scene_.on_step) scene_.on_step(fmt::format("restore {} of '{}'", sysctl.key, link->name));
      write_sysctl(scene_.home.netns, link->name, sysctl.key, home_wants(scene_.home, sysctl));
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

LedgerLock lock_home(const AddressScene& scene) {
  return LedgerLock::acquire(scene.state, fmt::format("home-{}", scene.ledger.home.inode),
                             kLockTimeoutMs);
}

std::vector<NewSysctl> plan_home(const AddressScene& scene) {
  Preparation preparation(scene);
  preparation.plan();
  return preparation.new_sysctls();
}

void prepare_home(const AddressScene& scene) {
  Preparation preparation(scene);
  const HomeChanges before = scene.ledger.home_changes;
  preparation.plan();
  if (scene.ledger.home_changes != before) save_ledger(scene.state, scene.ledger);
  preparation.carry_out();
}

void put_back_home(const AddressScene& scene, Failures& failures) noexcept {
  attempt(failures, [&] {
    LedgerLock lock = lock_home(scene);
    const auto others = other_address_ledgers(scene);
    PuttingBack(scene.knowing(others), failures).carry_out(scene.ledger.home_changes);
    scene.ledger.home_changes = {};
    // Whoever comes next must not take for needed what is put back; a full disk is no obstacle.
    Failures no_disk;
    attempt(no_disk, [&] { save_ledger(scene.state, scene.ledger); });
    lock.remove();
  });
}

}  // namespace netlend
