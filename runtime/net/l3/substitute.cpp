#include "net/l3/substitute.hpp"

#include <linux/if_addr.h>
#include <sys/socket.h>

namespace netlend {

namespace {
bool can_stand_in(const AddressRecord& other, const AddressRecord& lent) {
  return other.family == lent.family && other.scope == lent.scope && !owner_of(other) &&
         !other.is_tentative() && !other.is_duplicate() && (other.flags & IFA_F_DEPRECATED) == 0;
}
}  // namespace

std::set<IpAddress> lent_addresses(const AddressScene& scene, const std::vector<IpAddress>& ours) {
  std::set<IpAddress> lent(ours.begin(), ours.end());
  for (const auto& ledger : other_address_ledgers(scene)) {
    for (const auto& loan : ledger.address_loans) {
      if (!loan.ports.empty()) continue;  // Home has it, too.
      for (const auto& address : loan.addresses) lent.insert(address.home.address());
    }
  }
  return lent;
}

std::string find_substitute(const AddressRecord& record, const std::vector<AddressRecord>& all,
                            const std::set<IpAddress>& lent) {
  // By an address of another network the neighbours in this one are not reached, if it has any.
  const bool is_alone =
      record.family == AF_INET && network_of(record) == host_prefix(record.address());
  const AddressRecord* best = nullptr;
  for (const auto& other : all) {
    if (!can_stand_in(other, record) || lent.contains(other.address())) continue;
    if (network_of(other) == network_of(record)) return std::string(other.address().bytes());
    if (best == nullptr && is_alone) best = &other;
  }
  return best == nullptr ? "" : std::string(best->address().bytes());
}

}  // namespace netlend
