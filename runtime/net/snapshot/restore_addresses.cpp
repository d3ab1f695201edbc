#include "net/snapshot/restore_addresses.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/poll_until.hpp"
#include "net/kernel/tentative.hpp"
#include "net/snapshot/restore_link.hpp"
#include "net/snapshot/restore_sysctls.hpp"

namespace netlend {

namespace {
constexpr int kSettleTimeoutMs = 1000;
// With this off on the device and, as is the default, on "all", an address is valid at once: the
// host had it a moment ago. Source: net/ipv6/addrconf.c, addrconf_dad_begin.
constexpr const char* kDadSysctl = "ipv6/conf/accept_dad";

bool contains(const std::vector<AddressRecord>& list, const AddressRecord& wanted) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& record) { return record.is_same_as(wanted); });
}

bool is_same_list(const std::vector<AddressRecord>& left, const std::vector<AddressRecord>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& a, const auto& b) { return a.is_same_as(b); });
}

bool needs_addresses(const DeviceRestoration& device) {
  const auto& now = device.now.addresses;
  // One of whom an earlier attempt was killed is still to end its duplicate address detection.
  const bool is_tentative =
      std::any_of(now.begin(), now.end(), [](const auto& record) { return record.is_tentative(); });
  return is_tentative || device.now.link.is_up() != device.home.link.is_up() ||
         !is_same_list(now, device.home.addresses);
}

void clear_addresses(DeviceRestoration& device) {
  for (const auto& record : device.now.addresses) {
    // A removed IPv4 address takes its secondaries with it: then it is gone already.
    Failures ignored;
    attempt(ignored, [&] {
      device.site.socket.call(
          remove_address(device.ifindex, record, device.doing("the addresses")));
    });
  }
  device.now.addresses.clear();
}

void add_missing(DeviceRestoration& device, const AddressRecord& record) {
  if (contains(device.now.addresses, record)) return;
  device.call(add_address(device.ifindex, record,
                          device.doing(fmt::format("address {}", describe(record)))));
}

void add_ipv4_addresses(DeviceRestoration& device) {
  for (const auto& record : device.home.addresses) {
    if (record.family == AF_INET) add_missing(device, record);
  }
}

void add_ipv6_addresses(DeviceRestoration& device) {
  const auto& wanted = device.home.addresses;
  // The kernel puts a new one in front of those of its scope (net/ipv6/addrconf.c,
  // ipv6_link_dev_addr), so the last goes in first.
  for (auto record = wanted.rbegin(); record != wanted.rend(); ++record) {
    if (record->family == AF_INET6) add_missing(device, *record);
  }
}

/// A lifetime is given in whole seconds from the moment that the kernel takes it, which can be in
/// the next second, and its own clock lags behind ours by up to a tick: what missed its deadline by
/// that is given anew.
void correct_deadlines(DeviceRestoration& device) {
  constexpr int kAttemptsMax = 5;
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    const auto have = list_addresses(device.site.socket, device.ifindex);
    bool all_right = true;
    for (const auto& record : device.home.addresses) {
      if (!record.valid_until_s && !record.preferred_until_s) continue;
      if (contains(have, record)) continue;
      all_right = false;
      device.site.socket.call(
          add_address(device.ifindex, record, device.doing("the lifetime of an address")));
    }
    if (all_right) return;
  }
}

void settle(DeviceRestoration& device) {
  attempt(device.failures, [&] {
    wait_for_addresses(device.site, device.ifindex, Which::all, kSettleTimeoutMs);
    correct_deadlines(device);
    // A link-local address that somebody removed at home would be made anew when IPv6 is ready.
    const bool had_link_local =
        std::any_of(device.home.addresses.begin(), device.home.addresses.end(),
                    [](const auto& record) { return record.is_link_local_ipv6(); });
    if (!device.home.link.ipv6_ready || had_link_local || !device.home.link.is_up()) return;
    poll_until([&] { return read_link(device.site.socket, device.ifindex).ipv6_ready; },
               {.timeout_ms = kSettleTimeoutMs, .interval_us = 1'000});
  });
}
}  // namespace

void restore_addresses(DeviceRestoration& device) {
  if (!needs_addresses(device)) return;
  Sysctls without_dad = device.home.sysctls;
  if (without_dad.contains(kDadSysctl)) without_dad[kDadSysctl] = "0";
  restore_sysctls(device, without_dad);
  // Without it the kernel would give the device a link-local address of its own at IFF_UP.
  if (device.home.link.addrgenmode) restore_addrgenmode(device, IN6_ADDR_GEN_MODE_NONE);
  if (!is_same_list(device.now.addresses, device.home.addresses)) clear_addresses(device);
  add_ipv4_addresses(device);
  set_up(device, device.home.link.is_up());
  add_ipv6_addresses(device);
  settle(device);
}

}  // namespace netlend
