#include "net/l3/mode.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/kernel/l3_namespace.hpp"
#include "net/kernel/links_over.hpp"
#include "net/kernel/new_link.hpp"
#include "net/kernel/sysctl.hpp"
#include "net/l3/broadcast_copies.hpp"
#include "net/l3/forward_firewall.hpp"
#include "net/l3/frame_chains.hpp"

namespace netlend {

namespace {
/// What `auto` tries where the borrower can have devices, in this order.
constexpr std::array kAutomatic{AddressMode::routed, AddressMode::netkit, AddressMode::ipvlan};

/// Why a mode can't be used for a loan; nothing: it can.
class Preflight {
 public:
  Preflight(const AddressScene& scene, const AddressPlan& plan, const AddressLoan& loan)
      : scene_(scene), plan_(plan), loan_(loan) {}

  std::optional<std::string> why_not(AddressMode mode) {
    if (scene_.is_in_l3_namespace && mode != AddressMode::kernel) {
      return "the borrower is in an L3 network namespace, which can't be given a device";
    }
    if (auto why = why_not_at_all(mode)) return why;
    return plan_.broadcast && !is_on_lan(mode) ? needs_copies() : std::nullopt;
  }

 private:
  using Reason = std::optional<std::string>;

  Reason why_not_at_all(AddressMode mode) {
    if (auto why = why_not_of_kernel(scene_.home, mode)) return why;
    switch (mode) {
      case AddressMode::routed:
      case AddressMode::netkit:
        return needs_forwarding();
      case AddressMode::kernel:
        return needs_l3_namespace();
      case AddressMode::ipvlan:
      case AddressMode::macvlan:
        return first_of({needs_one_uplink(), needs_no_other_kind(mode), needs_source_filter()});
      case AddressMode::automatic:
        break;
    }
    return "this netlend doesn't know that mode";
  }

  static Reason first_of(std::initializer_list<Reason> reasons) {
    const auto* found = std::find_if(reasons.begin(), reasons.end(),
                                     [](const Reason& reason) { return reason.has_value(); });
    return found == reasons.end() ? std::nullopt : *found;
  }

  Reason needs_l3_namespace() const;
  Reason needs_forwarding();
  Reason needs_one_uplink();
  Reason needs_no_other_kind(AddressMode mode);
  Reason needs_source_filter();
  Reason needs_copies();

  const AddressScene& scene_;
  const AddressPlan& plan_;
  const AddressLoan& loan_;
};

Preflight::Reason Preflight::needs_l3_namespace() const {
  if (scene_.is_in_l3_namespace) return std::nullopt;
  return "the container has to be in an L3 network namespace before it is lent anything: 'netlend "
         "run' and 'netlend create' make one, 'netlend-hook precreate' for podman and 'netlend "
         "inject' for runc, where no device is lent along and config.json has a network namespace "
         "without a path; a hook comes too late for that";
}

Preflight::Reason Preflight::needs_forwarding() {
  for (const auto& lent : loan_.addresses) {
    if (lent.home.family != AF_INET6) continue;
    if (auto why = why_no_forwarding6(scene_.home, lent.device_name)) return why;
  }
  return std::nullopt;
}

Preflight::Reason Preflight::needs_one_uplink() {
  constexpr std::size_t kMacBytes = 6;
  const auto& first = loan_.addresses.front();
  for (const auto& lent : loan_.addresses) {
    if (lent.device == first.device) continue;
    return fmt::format("one loan goes by one device, and these addresses are on '{}' and on '{}'",
                       printable(first.device_name), printable(lent.device_name));
  }
  const LinkState link = read_link(scene_.home.socket, first.device);
  if (link.master) {
    return fmt::format("its device '{}' is a port of another, which takes all that it receives",
                       printable(link.name));
  }
  if (link.address.size() != kMacBytes) {
    return fmt::format("its device '{}' is no Ethernet device", printable(link.name));
  }
  return std::nullopt;
}

/// A device hands what it receives to one taker (netdev_rx_handler_register), and all ipvlans on it
/// have one mode. Those of others in namespaces that can't be seen from here, the kernel refuses
/// (EBUSY).
Preflight::Reason Preflight::needs_no_other_kind(AddressMode mode) {
  const auto& first = loan_.addresses.front();
  constexpr std::array kKinds{"macvlan", "macvtap", "ipvlan", "ipvtap"};
  for (const auto& link : list_over(scene_.home, first.device, kKinds)) {
    const bool is_macvlan = link.kind == "macvlan" || link.kind == "macvtap";
    const bool is_ipvlan = link.kind == "ipvlan" || link.kind == "ipvtap";
    const bool fits = mode == AddressMode::macvlan
                          ? !is_ipvlan
                          : !is_macvlan && (!is_ipvlan || ipvlan_mode(link) == IPVLAN_MODE_L3S);
    if (fits) continue;
    return fmt::format("a {} of another mode, '{}', stands on '{}' already", link.kind,
                       printable(link.name), printable(first.device_name));
  }
  auto ledgers = other_address_ledgers(scene_);
  ledgers.push_back(scene_.ledger);
  for (const auto& ledger : ledgers) {
    for (const auto& other : ledger.address_loans) {
      if (other.addresses.empty() || other.addresses.front().device != first.device) continue;
      const AddressMode theirs = mode_of(other);
      if (!is_direct(theirs) || theirs == mode) continue;
      return fmt::format(
          "another address of '{}' is lent in mode '{}', and a device takes one kind",
          printable(first.device_name), other.mode);
    }
  }
  return std::nullopt;
}

Preflight::Reason Preflight::needs_source_filter() {
  return why_no_source_filter(scene_.home, loan_, loan_.addresses.front().device_name);
}

Preflight::Reason Preflight::needs_copies() {
  auto choice = choose_copies(scene_.home, loan_, loan_.addresses.front().device_name);
  if (choice.by) return std::nullopt;
  return choice.why_not;
}

Error refused(const AddressLoan& loan, const std::string& why) {
  return Error(
      fmt::format("address '{}' is not lent{}", loan.addresses.front().home.address().str(), why));
}
}  // namespace

std::optional<std::string> why_not_of_kernel(Site& home, AddressMode mode) {
  if (mode == AddressMode::kernel) {
    if (has_l3_namespaces()) return std::nullopt;
    return "this kernel has no L3 network namespaces; kernel/README.md in netlend's source says "
           "how to build one that has";
  }
  std::vector<std::string> kinds{pair_kind(mode)};
  if (is_direct(mode)) kinds.emplace_back(mode_name(mode));
  for (const auto& kind : kinds) {
    if (!knows_link_kind(home.socket, kind)) {
      return fmt::format("this kernel has no devices of kind '{}'", kind);
    }
  }
  return std::nullopt;
}

std::optional<std::string> why_no_forwarding6(const Site& home, const std::string& device) {
  if (read_sysctl(home.netns, device, "ipv6/conf/force_forwarding") ||
      read_sysctl(home.netns, "all", "ipv6/conf/forwarding") == "1") {
    return std::nullopt;
  }
  return "this kernel forwards IPv6 on all devices or on none (force_forwarding is Linux "
         "6.17's), and here on none; 'sysctl net.ipv6.conf.all.forwarding=1' makes this machine "
         "a router";
}

// What the borrower sends doesn't pass this machine's routing rules, which could refuse it.
std::optional<std::string> why_no_source_filter(const Site& home, const AddressLoan& loan,
                                                const std::string& device) {
  const auto why = why_no_frame_chain(home.netns, source_chain(loan, device));
  if (!why) return std::nullopt;
  return fmt::format(
      "this kernel can't look at what a device sends by nftables (egress), and so "
      "can't keep the borrower from sending from others' addresses: {}",
      *why);
}

AddressMode choose_mode(const AddressScene& scene, const AddressPlan& plan,
                        const AddressLoan& loan) {
  Preflight preflight(scene, plan, loan);
  AddressMode wanted = plan.mode;
  const bool shares_loopback = plan.loopback == Loopback::shared;
  if (wanted == AddressMode::automatic && (scene.is_in_l3_namespace || shares_loopback)) {
    wanted = AddressMode::kernel;
  }
  if (wanted != AddressMode::automatic) {
    const auto why = preflight.why_not(wanted);
    if (why) throw refused(loan, fmt::format(" in mode '{}': {}", mode_name(wanted), *why));
    return wanted;
  }
  std::string reasons;
  std::optional<AddressMode> only_by_force;
  for (const AddressMode mode : kAutomatic) {
    if (const auto why = preflight.why_not(mode)) {
      reasons +=
          fmt::format("{} '{}': {}", reasons.empty() ? "" : "; not in mode", mode_name(mode), *why);
      continue;
    }
    // A firewall that drops what is forwarded is none where nothing is.
    if (!is_forwarded(mode) || list_closed_forward_chains(scene.home, loan).empty()) return mode;
    if (!only_by_force) only_by_force = mode;
  }
  if (only_by_force) return *only_by_force;
  throw refused(loan, " in mode" + reasons);
}

std::string pair_kind(AddressMode mode) { return mode == AddressMode::netkit ? "netkit" : "veth"; }

AddressMode mode_of(const AddressLoan& loan) {
  for (const AddressMode mode : kAddressModes) {
    if (mode_name(mode) == loan.mode) return mode;
  }
  throw Error(fmt::format("an unknown mode '{}' of lending addresses", printable(loan.mode)));
}

}  // namespace netlend
