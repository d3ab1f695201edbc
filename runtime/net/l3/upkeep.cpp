#include "net/l3/upkeep.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/text.hpp"
#include "net/l3/direct_path.hpp"
#include "net/l3/home_changes.hpp"
#include "net/l3/lease_at_home.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/own_routes.hpp"
#include "net/l3/routed.hpp"
#include "net/l3/routed_messages.hpp"
#include "net/l3/rule_places.hpp"
#include "net/l3/source_routes.hpp"
#include "net/l3/substitute.hpp"

namespace netlend {

namespace {
const AddressRecord* find_in(const std::vector<AddressRecord>& all, std::string_view bytes) {
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const auto& each) { return each.address().bytes() == bytes; });
  return found == all.end() ? nullptr : &*found;
}

class Upkeep {
 public:
  explicit Upkeep(const AddressScene& scene) : scene_(scene), ledger_(scene.ledger) {}

  void run() {
    Failures unentered;
    enter_rules();
    choose_substitutes();
    // First: what comes after may name one of those addresses as its source.
    enter_own_routes(scene_, unentered);
    prepare_home(scene_);
    renew_source_routes(scene_, moved_);
    for (auto& loan : ledger_.address_loans) {
      if (!changes_home(mode_of(loan))) continue;
      const auto host = find_host_end(scene_.home, loan);
      if (!host) continue;
      keep_name(*host, loan.host_name);
      keep(loan, host->ifindex);
    }
    // Last: while the ledger names the former substitute, whoever gives back sees that it is gone.
    if (!moved_.empty()) save_ledger(scene_.state, ledger_);
    if (!unentered.empty()) throw Error(unentered.front().what);
  }

 private:
  void enter_rules();
  /// `loan`: a copy, without what has ended.
  void limit_again(AddressLoan loan, IfIndex host);
  bool is_ended(const AddressLoan& loan, const LentAddress& lent) const {
    return loan.ports.empty() && has_ended(scene_, lent);
  }
  void choose_substitutes();
  void keep_name(const LinkState& host, const std::string& name);
  void keep(AddressLoan& loan, IfIndex host);
  void answer(const LentAddress& lent);
  void speak_from_substitute(const RouteRecord& wanted, IfIndex host);

  const AddressScene& scene_;
  Ledger& ledger_;
  /// Those whose substitute is another now.
  std::set<IpAddress> moved_;
};

/// Whoever flushes the rules takes these along, and with them those by which home is heard at all.
void Upkeep::enter_rules() {
  for (const auto& rule : ledger_.home_changes.rules) {
    scene_.ensure(scene_.home, add_fib_rule(rule, "add rule " + describe(rule)));
  }
}

void Upkeep::limit_again(AddressLoan loan, IfIndex host) {
  std::erase_if(loan.addresses, [&](const auto& lent) { return is_ended(loan, lent); });
  const auto enter = [&](const FibRule& rule) {
    scene_.ensure(scene_.home, add_fib_rule(rule, "add rule " + describe(rule)));
  };
  // From behind: what is for nobody else is refused before anything is let through.
  const auto sources = source_rules(scene_.home, loan);
  std::for_each(sources.rbegin(), sources.rend(), enter);
  for (const auto& lent : loan.addresses) {
    if (sent_by(loan, lent.home.family) != SentBy::rule) continue;
    for (const auto& rule : rules_to_borrower(scene_.home, loan, lent, host)) enter(rule);
  }
}

void Upkeep::choose_substitutes() {
  std::vector<IpAddress> ours;
  for (const auto& loan : ledger_.address_loans) {
    if (!loan.ports.empty()) continue;
    for (const auto& lent : loan.addresses) ours.push_back(lent.home.address());
  }
  const auto lent_now = lent_addresses(scene_, ours);
  std::map<IfIndex, std::vector<AddressRecord>> there;
  for (auto& loan : ledger_.address_loans) {
    for (auto& lent : loan.addresses) {
      const auto [device, is_new] = there.try_emplace(lent.device);
      auto& all = device->second;
      if (is_new && find_link(scene_.home.socket, lent.device)) {
        all = list_addresses(scene_.home.socket, lent.device);
      }
      const auto* now = find_in(all, lent.substitute);
      if (now != nullptr && !lent_now.contains(now->address())) continue;
      std::string other = find_substitute(lent.home, all, lent_now);
      // Without any, home can't speak in that network until it has another address there.
      if (other.empty() || other == lent.substitute) continue;
      lent.substitute = std::move(other);
      moved_.insert(lent.home.address());
    }
  }
}

/// The rules that keep the borrower to its own addresses go by it.
void Upkeep::keep_name(const LinkState& host, const std::string& name) {
  if (host.name == name) return;
  scene_.call(scene_.home,
              rename_link(host.ifindex, name,
                          fmt::format("name '{}' '{}' again", printable(host.name), name)));
}

void Upkeep::keep(AddressLoan& loan, IfIndex host) {
  limit_again(loan, host);
  take_from_pair(scene_.home, loan);
  for (auto& lent : loan.addresses) {
    if (is_ended(loan, lent)) {
      end_with_home(scene_, loan, lent);
      continue;
    }
    if (loan.ports.empty()) take_off_again(scene_, lent);
    if (is_answered_by_home(mode_of(loan)) && loan.ports.empty()) answer(lent);
    // Somebody may have flushed the permanent ones, too.
    scene_.call(scene_.home,
                add_neighbour(host, neighbour_of(lent.home.address(), loan.inside_address),
                              fmt::format("enter {} on '{}' again", lent.home.address().str(),
                                          loan.host_name)));
    if (!moved_.contains(lent.home.address())) continue;
    speak_from_substitute(route_to_borrower(loan, lent, host), host);
    if (is_direct(mode_of(loan)) && scene_.borrower != nullptr) {
      const auto pair = find_link(scene_.borrower->socket, loan.host_name);
      if (pair) DirectPath(scene_, *scene_.borrower, loan).reach(pair->ifindex, lent);
    }
  }
}

/// The kernel forgets its proxy entries when the device is set down.
void Upkeep::answer(const LentAddress& lent) {
  const auto link = find_link(scene_.home.socket, lent.device);
  if (!link || !link->is_up()) return;
  const IpAddress address = lent.home.address();
  scene_.call(scene_.home, add_neighbour(lent.device, proxy_for(address),
                                         fmt::format("answer for {} again", address.str())));
}

/// Where home's own packets to the borrower come from. Never without a route to him: the new one
/// stands before the old one until that is gone.
void Upkeep::speak_from_substitute(const RouteRecord& wanted, IfIndex host) {
  for (const auto& route : list_routes(scene_.home.socket, host)) {
    const auto differs = [&](std::uint16_t attribute) {
      const auto found = route.attributes.find(attribute);
      return found == route.attributes.end() || found->second != wanted.attributes.at(attribute);
    };
    const bool is_lent = route.family == wanted.family && route.table == wanted.table &&
                         route.protocol == kNetlendProtocol && !differs(RTA_DST);
    if (!is_lent || !differs(RTA_PREFSRC)) continue;
    const std::string doing = "route " + describe(wanted);
    if (wanted.family == AF_INET6) {
      scene_.ensure(scene_.home, replace_route(host, wanted, doing));
      continue;
    }
    scene_.ensure(scene_.home, add_route_before(host, wanted, doing));
    scene_.ensure(scene_.home, remove_route(host, route, "remove route " + describe(route)));
  }
}
}  // namespace

void keep_up_addresses(const AddressScene& scene) {
  LedgerLock home = lock_home(scene);
  const auto others = other_address_ledgers(scene);
  Upkeep(scene.knowing(others)).run();
  home.remove();
}

}  // namespace netlend
