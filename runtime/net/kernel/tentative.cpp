#include "net/kernel/tentative.hpp"

#include <algorithm>

#include "base/poll_until.hpp"

namespace netlend {

bool wait_for_addresses(Site& site, IfIndex ifindex, Which which, int timeout_ms) {
  return poll_until(
      [&] {
        const auto addresses = list_addresses(site.socket, ifindex);
        return std::none_of(addresses.begin(), addresses.end(), [&](const auto& record) {
          return record.is_tentative() && (which == Which::all || !record.is_link_local_ipv6());
        });
      },
      {.timeout_ms = timeout_ms, .interval_us = 1'000});
}

}  // namespace netlend
