#include "net/l3/preflight.hpp"

#include <fmt/core.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "net/kernel/l3_namespace.hpp"
#include "net/l3/address_order.hpp"
#include "net/l3/broadcast_copies.hpp"
#include "net/l3/forward_firewall.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/substitute.hpp"

namespace netlend {

namespace {
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kNameHexDigits = 10;

Error refused(const IpAddress& address, const std::string& why) {
  return Error(fmt::format("address '{}' is not lent: {}", address.str(), why));
}

/// Locally administered, and known again by it.
std::string new_link_address() { return "\x02" + from_hex(random_hex(5)).value(); }

std::string device_names(const AddressScene& scene, const std::vector<DeviceAddress>& places) {
  std::string out;
  for (const auto& place : places) {
    const auto link = find_link(scene.home.socket, place.device);
    if (link) out += fmt::format("{}'{}'", out.empty() ? "" : " and ", printable(link->name));
  }
  return out;
}

/// It may have gone with the device that has it.
std::string why_nowhere(const AddressScene& scene, const IpAddress& address) {
  const auto has_it = [&](const AddressRecord& record) { return record.address() == address; };
  for (const auto& ledger : other_ledgers(scene)) {
    for (const auto& loan : ledger.loans) {
      if (!loan.home) continue;
      const auto& all = loan.home->addresses;
      if (std::none_of(all.begin(), all.end(), has_it)) continue;
      return fmt::format("its device '{}' is lent to '{}'; 'netlend loans' shows the loan",
                         printable(loan.home_name()), ledger.id.str());
    }
  }
  return "no device here has it; 'netlend show' lists them";
}

/// The one place where it is, or on `via`.
DeviceAddress locate(const AddressScene& scene, const IpAddress& address, const AddressPlan& plan) {
  auto places = find_address(scene.home.socket, address);
  if (places.empty()) throw refused(address, why_nowhere(scene, address));
  const std::string all = device_names(scene, places);
  if (plan.via) {
    const auto via = find_link(scene.home.socket, plan.via->str());
    if (!via) {
      throw refused(address, fmt::format("there is no device '{}' here", plan.via->str()));
    }
    std::erase_if(places, [&](const auto& place) { return place.device != via->ifindex; });
    if (places.empty()) {
      throw refused(address, fmt::format("device '{}' doesn't have it, but {} does",
                                         printable(plan.via->str()), all));
    }
  }
  if (places.size() > 1) {
    throw refused(address, fmt::format("{} have it; say which by via=DEVICE", all));
  }
  return places.front();
}

void check_state(const IpAddress& address, const AddressRecord& record, const LinkState& link) {
  if (link.is_loopback()) {
    throw refused(address, "it is on the loopback device, where no network reaches it");
  }
  if (!link.is_up()) {
    throw refused(address, fmt::format("device '{}' is down", printable(link.name)));
  }
  if (record.is_duplicate()) throw refused(address, "another host has it too (dadfailed)");
  if (record.is_tentative()) {
    throw refused(address, "it is tentative: the kernel still looks for duplicates; try again");
  }
  if (const auto why = why_not_writable(record)) throw refused(address, "it " + *why);
  if ((record.flags & IFA_F_DEPRECATED) != 0) {
    throw refused(address, "it is deprecated: its preferred lifetime is over");
  }
}

void check_ipv6(const IpAddress& address, const LinkState& link,
                const std::vector<AddressRecord>& all) {
  for (const auto& other : all) {
    if (other.family == AF_INET6 && other.scope == RT_SCOPE_LINK && other.is_tentative()) {
      throw refused(address, fmt::format("the link-local address of '{}' is tentative; try again",
                                         printable(link.name)));
    }
  }
}

LentAddress observe(const AddressScene& scene, const IpAddress& address, const AddressPlan& plan,
                    const std::set<IpAddress>& lent) {
  DeviceAddress place = locate(scene, address, plan);
  const LinkState link = read_link(scene.home.socket, place.device);
  for (const auto& loan : scene.ledger.loans) {
    if (loan.home && loan.home->link.ifindex == link.ifindex) {
      throw refused(address, fmt::format("its device '{}' is to be lent itself", loan.home_name()));
    }
  }
  check_state(address, place.record, link);
  const auto all = list_addresses(scene.home.socket, place.device);
  LentAddress result{.device = place.device,
                     .device_name = link.name,
                     .home = std::move(place.record),
                     .before = {},
                     .substitute = {}};
  result.substitute = find_substitute(result.home, all, lent);
  if (!plan.ports.empty()) return result;
  if (result.substitute.empty()) {
    throw refused(address,
                  fmt::format("it is the last of its network {} on '{}', by which the host itself "
                              "would not be reached any more; give that another address first, or "
                              "lend ports of it by ports=",
                              network_of(result.home).str(), printable(link.name)));
  }
  if (address.family() == AF_INET6) check_ipv6(address, link, all);
  result.before = find_preceding(scene, result, all);
  return result;
}
}  // namespace

namespace {
struct OtherLoan {
  std::string borrower;
  std::vector<PortRange> ports;
};

/// The other loans of an address.
std::vector<OtherLoan> loans_of(const AddressScene& scene, const IpAddress& address) {
  std::vector<OtherLoan> others;
  for (const auto& ledger : other_address_ledgers(scene)) {
    for (const auto& loan : ledger.address_loans) {
      for (const auto& lent : loan.addresses) {
        if (lent.home.address() == address) others.push_back({ledger.id.str(), all_ports(loan)});
      }
    }
  }
  return others;
}

/// Leases keep whole addresses apart; with home's lock, the ledgers keep ports apart.
void check_not_lent(const AddressScene& scene, const IpAddress& address, const AddressPlan& plan) {
  for (const auto& [borrower, theirs] : loans_of(scene, address)) {
    const auto is_theirs = [&, &theirs = theirs](const auto& range) {
      return overlap(theirs, range);
    };
    const bool is_shared = !theirs.empty() && !plan.ports.empty() &&
                           std::none_of(plan.ports.begin(), plan.ports.end(), is_theirs);
    if (is_shared) continue;
    throw Error(
        fmt::format("address '{}'{} is not lent: it is lent to '{}'{}; 'netlend loans' "
                    "shows the loan",
                    address.str(), describe_ports(plan.ports), borrower, describe_ports(theirs)),
        EBUSY);
  }
}

/// Chooses the ports that the borrower's own connections go out by: none that home's do, and none
/// of others'.
void share_ports(const AddressScene& scene, const AddressPlan& plan, AddressLoan& loan) {
  constexpr std::uint16_t kBlock = 1024;
  constexpr std::uint16_t kFirst = 10'240;
  constexpr std::uint16_t kLast = 64'512;
  std::vector<PortRange> taken = plan.ports;
  const auto homes = read_sysctl(scene.home.netns, kNoDevice, kLocalPorts).value_or("");
  if (const auto words = split_words(homes, " \t"); words.size() == 2) {
    taken.push_back({static_cast<std::uint16_t>(parse_number(words[0], UINT16_MAX).value_or(0)),
                     static_cast<std::uint16_t>(parse_number(words[1], UINT16_MAX).value_or(0))});
  }
  for (const auto& address : plan.addresses) {
    for (const auto& other : loans_of(scene, address)) {
      taken.insert(taken.end(), other.ports.begin(), other.ports.end());
    }
  }
  for (std::uint16_t first = kFirst; first < kLast; first += kBlock) {
    const PortRange block{first, static_cast<std::uint16_t>(first + kBlock - 1)};
    if (overlap(taken, block)) continue;
    loan.own_ports = block;
    return;
  }
  throw refused(plan.addresses.front(),
                "no 1024 ports of it are left that a borrower's own connections could go out by");
}
}  // namespace

namespace {
/// Those that home won't speak from, whichever loan of the plan takes them.
std::vector<IpAddress> whole_addresses(const Plan& plan) {
  std::vector<IpAddress> all;
  for (const auto& part : plan.addresses) {
    if (part.ports.empty()) all.insert(all.end(), part.addresses.begin(), part.addresses.end());
  }
  return all;
}

/// There is no pair, and the device inside is home's.
void share_devices(const AddressScene& scene, AddressLoan& loan) {
  if (scene.borrower != nullptr) loan.l3_id = l3_id(scene.borrower->netns);
  loan.inside = loan.addresses.front().device_name;
  loan.host_name.clear();
  loan.host_address.clear();
  loan.inside_address.clear();
}
}  // namespace

AddressLoan new_address_loan(const AddressPlan& plan) {
  AddressLoan loan{.id = random_hex(kIdBytes),
                   .inside = plan.inside.str(),
                   .mode = std::string(mode_name(plan.mode)),
                   .host_name = {},
                   .host_address = new_link_address(),
                   .inside_address = new_link_address(),
                   .ports = plan.ports,
                   .addresses = {}};
  loan.host_name = "nl-" + loan.id.substr(0, kNameHexDigits);
  return loan;
}

void observe_addresses(const AddressScene& scene, const Plan& plan, const AddressPlan& part,
                       AddressLoan& loan) {
  const auto lent = lent_addresses(scene, whole_addresses(plan));
  for (const auto& address : part.addresses) {
    check_not_lent(scene, address, part);
    loan.addresses.push_back(observe(scene, address, part, lent));
  }
  if (!part.ports.empty()) share_ports(scene, part, loan);
  AddressPlan wanted = part;
  if (!part.ports.empty()) wanted.mode = AddressMode::routed;
  const AddressMode mode = choose_mode(scene, wanted, loan);
  loan.mode = mode_name(mode);
  loan.has_table = mode == AddressMode::macvlan;
  if (is_sent_copies(part, mode)) {
    const auto choice = choose_copies(scene.home, loan, loan.addresses.front().device_name);
    loan.has_table = choice.by == CopiedBy::nftables;
    loan.has_mirrors = choice.by == CopiedBy::tc;
  }
  if (mode == AddressMode::kernel) share_devices(scene, loan);
  if (mode != AddressMode::netkit) return;
  // It has none, and drops what is sent to another than that.
  loan.host_address.assign(loan.host_address.size(), '\0');
  loan.inside_address = loan.host_address;
}

void check_no_address_lent(const AddressScene& scene, const LinkState& device) {
  for (const auto& ledger : other_address_ledgers(scene)) {
    for (const auto& loan : ledger.address_loans) {
      for (const auto& lent : loan.addresses) {
        if (lent.device != device.ifindex) continue;
        throw Error(fmt::format("device '{}' is not lent: its address '{}' is lent to '{}'",
                                printable(device.name), lent.home.address().str(), ledger.id.str()),
                    EBUSY);
      }
    }
  }
}

void check_no_device_lent(const AddressScene& scene) {
  std::set<IfIndex> devices;
  for (const auto& loan : scene.ledger.address_loans) {
    for (const auto& lent : loan.addresses) devices.insert(lent.device);
  }
  for (const auto& ledger : other_ledgers(scene)) {
    for (const auto& loan : ledger.loans) {
      if (!loan.home || !devices.contains(loan.home->link.ifindex)) continue;
      throw Error(fmt::format("no address of '{}' is lent: the device is being lent to '{}'",
                              printable(loan.home_name()), ledger.id.str()),
                  EBUSY);
    }
  }
}

std::vector<std::string> why_addresses_only_by_force(Site& home, const AddressLoan& loan) {
  std::vector<std::string> reasons;
  if (!is_forwarded(mode_of(loan))) return reasons;
  for (const auto& chain : list_closed_forward_chains(home, loan)) {
    reasons.push_back(
        fmt::format("{} drops what is forwarded, as what goes to '{}' and back is; to let all such "
                    "loans pass, type: {}",
                    chain.title, loan.addresses.front().home.address().str(), chain.way_to_open));
  }
  return reasons;
}

}  // namespace netlend
