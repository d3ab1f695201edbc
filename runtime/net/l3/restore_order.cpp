#include "net/l3/restore_order.hpp"

#include <fmt/core.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>

#include "net/kernel/route.hpp"
#include "net/l3/address_order.hpp"
#include "net/l3/source_routes.hpp"

namespace netlend {

namespace {
class OrderRestoring {
 public:
  OrderRestoring(const AddressScene& scene, AddressLoan& loan, IfIndex device)
      : scene_(scene), loan_(loan), device_(device) {}

  void run() {
    if (!find_link(scene_.home.socket, device_)) return;
    const std::vector<KnownPlace> places = known_places();
    put_on_what_was_taken_off();
    read_now();
    std::vector<IpAddress> wanted = order_at_home(now_, places);
    std::erase_if(wanted, [&](const IpAddress& each) { return !records_.contains(each); });
    const std::span out_of_place(wanted.data(), count_to_put_first(now_, wanted));
    if (!out_of_place.empty()) put_first(out_of_place);
  }

 private:
  std::vector<KnownPlace> known_places() const {
    auto all = own_places(scene_, device_, AF_INET6);
    const auto others = others_places(scene_, device_, AF_INET6);
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }

  void read_now();
  void put_on_what_was_taken_off();
  void put_first(std::span<const IpAddress> addresses);

  const AddressScene& scene_;
  AddressLoan& loan_;
  IfIndex device_;
  /// Those whose place is ours to choose.
  std::vector<IpAddress> now_;
  std::map<IpAddress, AddressRecord> records_;
};

/// One that only the kernel makes stays where it is, and so does one that isn't in use yet.
void OrderRestoring::read_now() {
  now_.clear();
  records_.clear();
  for (auto& record : list_addresses(scene_.home.socket, device_)) {
    const bool is_ours = record.family == AF_INET6 && !record.is_tentative() &&
                         !record.is_duplicate() && !why_not_writable(record);
    if (!is_ours) continue;
    now_.push_back(record.address());
    records_.emplace(record.address(), std::move(record));
  }
}

void OrderRestoring::put_on_what_was_taken_off() {
  if (loan_.put_again.empty() || loan_.put_again_on != device_) return;
  read_now();
  for (const auto& record : loan_.put_again) {
    const auto there = records_.find(record.address());
    if (there == records_.end()) {
      put_on_at_once(scene_, device_, record);
    } else if (!there->second.is_same_as(record)) {
      scene_.call(scene_.home, add_address(device_, record, "put on " + describe(record)));
    }
  }
}

void OrderRestoring::put_first(std::span<const IpAddress> addresses) {
  std::map<std::string, std::vector<DeviceRoute>> routes;
  std::vector<std::string> sources;
  loan_.put_again.clear();
  loan_.put_again_on = device_;
  for (auto address = addresses.rbegin(); address != addresses.rend(); ++address) {
    loan_.put_again.push_back(records_.at(*address));
    sources.emplace_back(address->bytes());
  }
  for (auto& route : list_routes_from(scene_.home.socket, sources, AF_INET6)) {
    routes[route.route.attributes.at(RTA_PREFSRC)].push_back(std::move(route));
  }
  Failures no_disk;  // Only whoever is killed in the next moment is missed by it.
  attempt(no_disk, [&] { save_ledger(scene_.state, scene_.ledger); });
  for (const auto& record : loan_.put_again) {
    const IpAddress address = record.address();
    scene_.call(
        scene_.home,
        remove_address(device_, record, fmt::format("take off {} for a moment", address.str())));
    put_on_at_once(scene_, device_, record);
    // They lost their source address with it.
    for (const auto& [through, route] : routes[std::string(address.bytes())]) {
      RouteRecord now = route;
      now.attributes.erase(RTA_PREFSRC);
      change_route(scene_, {through, std::move(now)}, route);
    }
  }
  loan_.put_again.clear();
}
}  // namespace

void put_on_at_once(const AddressScene& scene, IfIndex device, const AddressRecord& address) {
  const std::string doing = "put on " + describe(address);
  AddressRecord at_once = address;
  at_once.flags |= IFA_F_NODAD;
  scene.call(scene.home, add_address(device, at_once, doing));
  // One that is in use already is not looked at for duplicates again.
  if ((address.flags & IFA_F_NODAD) == 0) {
    scene.call(scene.home, add_address(device, address, doing));
  }
  // On a device that is down, nothing is taken.
  if (!read_link(scene.home.socket, device).is_up()) return;
  wait_for_local_route(scene.home, device, address.address());
}

void restore_order(const AddressScene& scene, AddressLoan& loan, IfIndex device) {
  OrderRestoring(scene, loan, device).run();
}

}  // namespace netlend
