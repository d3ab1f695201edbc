#include "net/snapshot/passed_time.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

namespace netlend {

namespace {
bool is_over(const std::optional<std::int64_t>& until_s, std::int64_t now_s) {
  return until_s && *until_s <= now_s;
}

std::string bytes_of(const AddressRecord& record) { return std::string(record.address().bytes()); }

/// What the device has no more, as its addresses' bytes. The same address with another length of
/// prefix keeps its routes.
std::set<std::string> remove_addresses(std::vector<AddressRecord>& addresses, std::int64_t now_s) {
  std::set<std::string> gone;
  for (const auto& record : addresses) {
    if (is_over(record.valid_until_s, now_s)) gone.insert(bytes_of(record));
  }
  std::erase_if(addresses,
                [&](const auto& record) { return is_over(record.valid_until_s, now_s); });
  for (const auto& record : addresses) gone.erase(bytes_of(record));
  return gone;
}
}  // namespace

void let_time_pass(DeviceSnapshot& home, std::int64_t now_s) {
  const auto gone = remove_addresses(home.addresses, now_s);
  for (auto& record : home.addresses) {
    if (!is_over(record.preferred_until_s, now_s)) continue;
    record.preferred_until_s = 0;
    record.flags |= IFA_F_DEPRECATED;
  }
  const auto is_gone = [&](const RouteRecord& route) {
    const auto source = route.attributes.find(RTA_PREFSRC);
    return is_over(route.expires_at_s, now_s) ||
           (source != route.attributes.end() && gone.contains(source->second));
  };
  std::erase_if(home.routes, is_gone);
  std::erase_if(home.dependent_routes, [&](const auto& each) { return is_gone(each.route); });
}

}  // namespace netlend
