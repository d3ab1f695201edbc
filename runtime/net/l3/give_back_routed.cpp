#include <fmt/core.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/frame_rules.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/broadcast_copies.hpp"
#include "net/l3/direct_path.hpp"
#include "net/l3/home_changes.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/restore_order.hpp"
#include "net/l3/routed.hpp"
#include "net/l3/routed_messages.hpp"
#include "net/l3/source_routes.hpp"

namespace netlend {

namespace {
/// What the borrower is answering just now still needs its device.
void let_pass() {
  constexpr timespec kOnTheWay{.tv_sec = 0, .tv_nsec = 10'000'000};
  ::nanosleep(&kOnTheWay, nullptr);
}

class RoutedReturn {
 public:
  RoutedReturn(const AddressScene& scene, AddressLoan& loan, Failures& failures)
      : scene_(scene), loan_(loan), failures_(failures), socket_(scene.home.socket) {}

  bool run() {
    bool is_done = attempt(failures_, [&] { find_devices(); });
    const AddressMode mode = mode_of(loan_);
    // Of two that answer on the LAN neither is reached for certain.
    if (!is_answered_by_home(mode)) is_done &= attempt(failures_, [&] { take_upper(); });
    is_done &= give_back_all();
    // Home has them back already, and is heard at last.
    if (is_answered_by_home(mode)) is_done &= attempt(failures_, [&] { take_upper(); });
    tell_lan(scene_, loan_, failures_);
    if (host_) let_pass();
    is_done &= attempt(failures_, [&] { remove_rest(); });
    // What is left inside keeps nobody from having the address again.
    attempt(failures_, [&] { remove_rules_inside(); });
    return is_done;
  }

 private:
  void find_devices();
  bool give_back_all();
  RouteRecord lent_route(const LentAddress& lent) const;
  void take_upper() { remove_upper(scene_, loan_); }
  void give_back_ports(const LentAddress& lent);
  void give_back_ipv4(const LentAddress& lent);
  void give_back_ipv6(const LentAddress& lent);
  void put_on_device(IfIndex device, const AddressRecord& address);
  std::optional<std::string> why_no_ipv6(const std::string& device) const;
  void remove_rest();
  void remove_rules_inside();
  bool verify(const LentAddress& lent);
  template <typename Predicate>
  void remove_rules(int family, Predicate is_ours);

  const AddressScene& scene_;
  AddressLoan& loan_;
  Failures& failures_;
  RouteSocket& socket_;
  std::optional<IfIndex> host_;
};

const AddressRecord* find(const std::vector<AddressRecord>& all, const IpAddress& address) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& record) { return record.address() == address; });
  return found == all.end() ? nullptr : &*found;
}

void RoutedReturn::find_devices() {
  if (const auto host = find_host_end(scene_.home, loan_)) host_ = host->ifindex;
}

/// The kernel puts a new IPv6 address first. Who lends or gives back another one meanwhile would
/// take for home's order what is half way.
bool RoutedReturn::give_back_all() {
  std::set<IfIndex> devices;
  std::vector<const LentAddress*> last_first;
  for (const auto& lent : loan_.addresses) {
    last_first.push_back(&lent);
    if (loan_.ports.empty() && lent.home.family == AF_INET6) devices.insert(lent.device);
  }
  std::stable_sort(last_first.begin(), last_first.end(), [](const auto* left, const auto* right) {
    return left->before.size() > right->before.size();
  });
  std::optional<LedgerLock> lock;
  bool is_done = devices.empty() || attempt(failures_, [&] { lock = lock_home(scene_); });
  for (const auto* lent : last_first) {
    is_done &= attempt(failures_, [&] {
      if (!loan_.ports.empty()) return give_back_ports(*lent);
      lent->home.family == AF_INET ? give_back_ipv4(*lent) : give_back_ipv6(*lent);
    });
  }
  for (const IfIndex device : devices) {
    is_done &= attempt(failures_, [&] { restore_order(scene_, loan_, device); });
  }
  // Without the lock, one that another's return has taken off for a moment would seem to be
  // missing.
  for (const auto& lent : loan_.addresses) {
    bool is_home = false;
    attempt(failures_, [&] { is_home = verify(lent); });
    is_done &= is_home;
  }
  if (lock) lock->remove();
  return is_done;
}

/// Whatever source it names by now.
RouteRecord RoutedReturn::lent_route(const LentAddress& lent) const {
  RouteRecord route = route_to_borrower(loan_, lent, host_.value());
  route.attributes.erase(RTA_PREFSRC);
  return route;
}

void RoutedReturn::give_back_ports(const LentAddress& lent) {
  remove_rules(lent.home.family,
               [&](const FibRule& rule) { return sends_to_borrower(rule, loan_, lent); });
  if (!host_) return;
  scene_.ensure(scene_.home,
                remove_route(*host_, lent_route(lent),
                             fmt::format("end the route to {}", lent.home.address().str())));
}

void RoutedReturn::give_back_ipv4(const LentAddress& lent) {
  if (!host_) return;
  // By device, type and table: the kernel's own route has the same destination.
  scene_.ensure(scene_.home, remove_route(*host_, lent_route(lent),
                                          fmt::format("take back {}", lent.home.address().str())));
}

/// What home itself has switched off takes every address of the device with it; what to do about
/// it.
std::optional<std::string> RoutedReturn::why_no_ipv6(const std::string& device) const {
  constexpr const char* kDisableIpv6 = "ipv6/conf/disable_ipv6";
  const auto is_off = read_sysctl(scene_.home.netns, device, kDisableIpv6);
  if (!is_off) return "IPv6 is no more on '" + printable(device) + "' (MTU below 1280?)";
  if (*is_off == "0") return std::nullopt;
  return fmt::format("IPv6 is switched off on '{}' (sysctl -w {}=0 switches it on)",
                     printable(device), sysctl_name(kDisableIpv6, device));
}

void RoutedReturn::give_back_ipv6(const LentAddress& lent) {
  const IpAddress address = lent.home.address();
  const auto link = find_link(socket_, lent.device);
  const bool has_place = link && !lent.home.is_over(monotonic_ms()) && !why_no_ipv6(link->name);
  if (has_place) put_on_device(lent.device, lent.home);
  remove_rules(AF_INET6, [&](const FibRule& rule) { return sends_to_borrower(rule, loan_, lent); });
  if (host_) {
    scene_.ensure(scene_.home, remove_route(*host_, lent_route(lent),
                                            fmt::format("end the route to {}", address.str())));
  }
  if (const auto lo = find_link(socket_, std::string("lo"))) {
    scene_.ensure(scene_.home, remove_address(lo->ifindex, parked(lent),
                                              fmt::format("unpark {}", address.str())));
  }
}

void RoutedReturn::put_on_device(IfIndex device, const AddressRecord& address) {
  const auto now = list_addresses(socket_, device);
  const auto* there = find(now, address.address());
  if (there == nullptr) return put_on_at_once(scene_, device, address);
  if (there->is_same_as(address)) return;
  scene_.call(scene_.home, add_address(device, address, "put on " + describe(address)));
}

template <typename Predicate>
void RoutedReturn::remove_rules(int family, Predicate is_ours) {
  for (const auto& rule : list_fib_rules(socket_, family)) {
    if (!is_ours(rule)) continue;
    scene_.ensure(scene_.home, remove_fib_rule(rule, "remove rule " + describe(rule)));
  }
}

void RoutedReturn::remove_rest() {
  for (const auto& lent : loan_.addresses) {
    scene_.ensure(scene_.home, remove_neighbour(lent.device, proxy_for(lent.home.address()),
                                                fmt::format("answer for {} no more as a proxy",
                                                            lent.home.address().str())));
  }
  for (const int family : {AF_INET, AF_INET6}) {
    remove_rules(family, [&](const FibRule& rule) { return limits_sources(rule, loan_); });
  }
  stop_hearing(scene_, loan_);
  end_mirrors(scene_, loan_);
  if (loan_.has_table) remove_frame_table(scene_.home.netns, loan_.host_name);
  if (host_) {
    scene_.ensure(scene_.home,
                  delete_link(*host_, fmt::format("remove the pair '{}'", loan_.host_name)));
  }
}

/// They would stay in its way as one more with each loan. Those of another loan have their device.
void RoutedReturn::remove_rules_inside() {
  if (scene_.borrower == nullptr) return;
  Site& borrower = *scene_.borrower;
  for (const auto& lent : loan_.addresses) {
    for (const auto& rule : list_fib_rules(borrower.socket, lent.home.family)) {
      if (!asks_own_table(rule, lent) || find_link(borrower.socket, device_of_table(rule.table)))
        continue;
      scene_.ensure(borrower, remove_fib_rule(rule, "remove rule " + describe(rule) + " inside"));
    }
  }
}

bool RoutedReturn::verify(const LentAddress& lent) {
  const std::string address = lent.home.address().str();
  const auto link = find_link(socket_, lent.device);
  if (!link) {
    failures_.push_back(
        {fmt::format("address '{}' has no device to come home to: '{}' is gone; its "
                     "loan is closed",
                     address, printable(lent.device_name))});
    return true;
  }
  if (lent.home.is_over(monotonic_ms())) return true;
  if (lent.home.family == AF_INET6) {
    if (const auto why = why_no_ipv6(link->name)) {
      failures_.push_back({fmt::format(
          "address '{}' can't come home: {}; its loan is closed, and 'ip addr add {} dev {}' puts "
          "it on again",
          address, *why, IpPrefix(lent.home.address(), lent.home.length_bits).str(),
          printable(link->name))});
      return true;
    }
  }
  const auto all = list_addresses(socket_, lent.device);
  const auto* now = find(all, lent.home.address());
  // One of IPv4, or of which only ports were lent, has been there all the time, and what has become
  // of it is home's own doing: a renewed lease of DHCP, say.
  const bool stayed = lent.home.family == AF_INET || !loan_.ports.empty();
  if (now != nullptr && (stayed || now->is_same_as(lent.home))) return true;
  failures_.push_back(
      {now == nullptr
           ? fmt::format(
                 "address '{}' is not on '{}' any more: it was taken away there, or ended{}",
                 address, printable(link->name), stayed ? "; its loan is closed" : "")
           : fmt::format("address '{}' is home, but it is '{}' and was '{}'", address,
                         describe(*now), describe(lent.home))});
  return stayed;
}
}  // namespace

bool give_back_routed(const AddressScene& scene, AddressLoan& loan, Failures& failures) {
  return RoutedReturn(scene, loan, failures).run();
}

}  // namespace netlend
