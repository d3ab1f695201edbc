#include <fmt/core.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <ctime>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/frame_rules.hpp"
#include "net/l3/direct_path.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/routed.hpp"
#include "net/l3/routed_messages.hpp"

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
    for (const auto& lent : loan_.addresses) {
      is_done &= attempt(failures_, [&] {
        if (!loan_.ports.empty()) return give_back_ports(lent);
        lent.home.family == AF_INET ? give_back_ipv4(lent) : give_back_ipv6(lent);
      });
    }
    // Home has them back already, and is heard at last.
    if (is_answered_by_home(mode)) is_done &= attempt(failures_, [&] { take_upper(); });
    tell_lan(scene_, loan_, failures_);
    if (host_) let_pass();
    is_done &= attempt(failures_, [&] { remove_rest(); });
    for (const auto& lent : loan_.addresses) {
      bool is_home = false;
      attempt(failures_, [&] { is_home = verify(lent); });
      is_done &= is_home;
    }
    return is_done;
  }

 private:
  void find_devices();
  RouteRecord lent_route(const LentAddress& lent) const;
  void take_upper() { remove_upper(scene_, loan_); }
  void give_back_ports(const LentAddress& lent);
  void give_back_ipv4(const LentAddress& lent);
  void give_back_ipv6(const LentAddress& lent);
  void put_on_device(IfIndex device, const AddressRecord& address);
  void restore_order(const LentAddress& lent);
  void add_again(IfIndex device, const AddressRecord& address);
  void remove_rest();
  bool verify(const LentAddress& lent);
  std::vector<AddressRecord> ipv6_addresses(IfIndex device);
  template <typename Predicate>
  void remove_rules(int family, Predicate is_ours);

  const AddressScene& scene_;
  AddressLoan& loan_;
  Failures& failures_;
  RouteSocket& socket_;
  std::optional<IfIndex> host_;
};

bool is_over(const AddressRecord& address) {
  constexpr std::int64_t kMsPerSecond = 1000;
  return address.valid_until_s && *address.valid_until_s <= monotonic_ms() / kMsPerSecond;
}

const AddressRecord* find(const std::vector<AddressRecord>& all, const IpAddress& address) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& record) { return record.address() == address; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<AddressRecord> RoutedReturn::ipv6_addresses(IfIndex device) {
  auto all = list_addresses(socket_, device);
  std::erase_if(all, [](const auto& record) { return record.family != AF_INET6; });
  return all;
}

void RoutedReturn::find_devices() { host_ = find_host_end(scene_.home, loan_); }

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

void RoutedReturn::give_back_ipv6(const LentAddress& lent) {
  const IpAddress address = lent.home.address();
  const auto link = find_link(socket_, lent.device);
  const bool has_place = link && !is_over(lent.home);
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
  if (has_place) restore_order(lent);
}

/// Without duplicate address detection, which takes two seconds: nobody else can have it, since
/// this machine has answered for it all the time.
void RoutedReturn::put_on_device(IfIndex device, const AddressRecord& address) {
  const auto now = ipv6_addresses(device);
  const auto* there = find(now, address.address());
  if (there != nullptr && there->is_same_as(address)) return;
  const std::string doing = fmt::format("put on {}", describe(address));
  if (there == nullptr) {
    AddressRecord at_once = address;
    at_once.flags |= IFA_F_NODAD;
    scene_.call(scene_.home, add_address(device, at_once, doing));
  }
  // One that is in use already is not looked at for duplicates again.
  if ((address.flags & IFA_F_NODAD) == 0 || there != nullptr) {
    scene_.call(scene_.home, add_address(device, address, doing));
  }
  // On a device that is down, nothing is taken.
  if (read_link(socket_, device).is_up()) {
    wait_for_local_route(scene_.home, device, address.address());
  }
}

/// The kernel puts a new address first. Those that were before it go there again, the nearest
/// first.
void RoutedReturn::restore_order(const LentAddress& lent) {
  // Whoever was killed at this may have taken them away.
  for (const auto& address : loan_.put_again) put_on_device(lent.device, address);
  const auto now = ipv6_addresses(lent.device);
  const auto* ours = find(now, lent.home.address());
  loan_.put_again.clear();
  for (auto earlier = lent.before.rbegin(); earlier != lent.before.rend(); ++earlier) {
    const auto* there = find(now, *earlier);
    // One that is gone, that only the kernel makes, or that is before it already, stays so.
    if (there != nullptr && there > ours && !there->is_tentative() && !why_not_writable(*there)) {
      loan_.put_again.push_back(*there);
    }
  }
  if (loan_.put_again.empty()) return;
  Failures no_disk;  // Only whoever is killed in the next moment is missed by it.
  attempt(no_disk, [&] { save_ledger(scene_.state, scene_.ledger); });
  for (const auto& address : loan_.put_again) add_again(lent.device, address);
  loan_.put_again.clear();
}

void RoutedReturn::add_again(IfIndex device, const AddressRecord& address) {
  const auto routes = list_routes_from(socket_, {std::string(address.address().bytes())}, AF_INET6);
  scene_.call(scene_.home,
              remove_address(device, address,
                             fmt::format("take off {} for a moment", address.address().str())));
  put_on_device(device, address);
  // They lost their source address with it.
  for (const auto& [through, route] : routes) {
    scene_.ensure(scene_.home, replace_route(through, route, "restore route " + describe(route)));
  }
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
  if (loan_.has_table) remove_frame_table(scene_.home.netns, loan_.host_name);
  if (host_) {
    scene_.ensure(scene_.home,
                  delete_link(*host_, fmt::format("remove the pair '{}'", loan_.host_name)));
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
  if (is_over(lent.home)) return true;
  const auto all = list_addresses(socket_, lent.device);
  const auto* now = find(all, lent.home.address());
  // One of IPv4, or of which only ports were lent, has been there all the time, and what has become
  // of it is home's own doing: a renewed lease of DHCP, say.
  const bool stayed = lent.home.family == AF_INET || !loan_.ports.empty();
  if (now != nullptr && (stayed || now->is_same_as(lent.home))) return true;
  failures_.push_back(
      {now == nullptr
           ? fmt::format("address '{}' is not on '{}' any more: somebody took it away there{}",
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
