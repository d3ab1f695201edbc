#include "net/l3/kernel_mode.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/l3_namespace.hpp"

namespace netlend {

namespace {
/// Whether a container with this loan can do without a device of its own.
bool needs_no_device(const AddressPlan& lent) {
  if (lent.mode == AddressMode::kernel) return true;
  return lent.mode == AddressMode::automatic && lent.ports.empty() &&
         lent.inside == AddressPlan{}.inside;
}

/// The kernel puts an IPv4 address that comes back behind the others of its network, the first of
/// which is what home speaks from. Those that stood behind it go there again, in their order: given
/// away for a moment, since one that is taken off takes routes along.
void restore_order(const AddressScene& scene, const LentAddress& lent) {
  if (lent.home.family != AF_INET) return;
  std::optional<Netns> aside;
  for (const auto& other : list_addresses(scene.home.socket, lent.device)) {
    if (other.address() == lent.home.address()) return;
    const bool stood_before =
        std::find(lent.before.begin(), lent.before.end(), other.address()) != lent.before.end();
    const bool is_alternative =
        other.family == AF_INET && !owner_of(other) && network_of(other) == network_of(lent.home);
    if (stood_before || !is_alternative) continue;
    if (!aside) aside = create_l3_namespace(scene.home.netns, Loopback::own);
    for (const auto* owner : {&*aside, &scene.home.netns}) {
      scene.call(scene.home, give_address(lent.device, other, owner->fd(),
                                          fmt::format("put {} behind {}", other.address().str(),
                                                      lent.home.address().str())));
    }
  }
}

/// What home can have done to an address meanwhile is no failure to give it back.
void take_back(const AddressScene& scene, const AddressLoan& loan, const LentAddress& lent,
               Failures& failures) {
  const std::string address = lent.home.address().str();
  const auto link = find_link(scene.home.socket, lent.device);
  if (!link) {
    failures.push_back({fmt::format("address '{}' has no device to come home to: '{}' is gone",
                                    address, printable(lent.device_name))});
    return;
  }
  const auto all = list_addresses(scene.home.socket, lent.device);
  const auto now = std::find_if(all.begin(), all.end(), [&](const AddressRecord& record) {
    return record.address() == lent.home.address();
  });
  if (now == all.end()) {
    if (lent.home.is_over(monotonic_ms())) return;
    failures.push_back(
        {fmt::format("address '{}' is not on '{}' any more: somebody took it away "
                     "there",
                     address, printable(link->name))});
    return;
  }
  const auto owner = owner_of(*now);
  if (owner && owner != loan.l3_id) {
    failures.push_back(
        {fmt::format("address '{}' is not home: somebody gave it to another L3 "
                     "network namespace, number {}",
                     address, *owner)});
    return;
  }
  if (owner) {
    scene.call(scene.home, give_address(lent.device, *now, scene.home.netns.fd(),
                                        fmt::format("take back {}", address)));
  }
  restore_order(scene, lent);
}
}  // namespace

bool wants_l3_namespace(const Plan& plan) {
  const auto& loans = plan.addresses;
  if (loans.empty() || !plan.nics.empty()) return false;
  return std::all_of(loans.begin(), loans.end(), needs_no_device) && has_l3_namespaces();
}

std::optional<Netns> make_l3_namespace(const Plan& plan) {
  if (!wants_l3_namespace(plan)) return std::nullopt;
  return create_l3_namespace(Netns::current(), plan.addresses.front().loopback);
}

void lend_in_kernel(const AddressScene& scene, const Site& borrower, const AddressLoan& loan) {
  for (const auto& lent : loan.addresses) {
    scene.call(scene.home, give_address(lent.device, lent.home, borrower.netns.fd(),
                                        fmt::format("give {} away", lent.home.address().str())));
  }
}

bool give_back_in_kernel(const AddressScene& scene, const AddressLoan& loan, Failures& failures) {
  bool is_done = true;
  for (const auto& lent : loan.addresses) {
    is_done &= attempt(failures, [&] { take_back(scene, loan, lent, failures); });
  }
  return is_done;
}

}  // namespace netlend
