#include "net/l3/mode.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/kernel/netfilter.hpp"
#include "net/kernel/new_link.hpp"
#include "net/kernel/sysctl.hpp"

namespace netlend {

namespace {
/// What `auto` tries, in this order.
constexpr std::array kAutomatic{AddressMode::routed, AddressMode::netkit, AddressMode::ipvlan};

/// Why a mode can't be used for a loan; nothing: it can.
class Preflight {
 public:
  Preflight(const AddressScene& scene, const AddressLoan& loan) : scene_(scene), loan_(loan) {}

  std::optional<std::string> why_not(AddressMode mode) {
    switch (mode) {
      case AddressMode::routed:
        return first_of({needs_kind("veth"), needs_forwarding()});
      case AddressMode::netkit:
        return first_of({needs_kind("netkit"), needs_forwarding()});
      case AddressMode::kernel:
        return "this netlend doesn't use the L3 network namespaces of a patched kernel yet";
      case AddressMode::ipvlan:
      case AddressMode::macvlan:
      case AddressMode::automatic:
        break;
    }
    return "this netlend doesn't know that mode";
  }

 private:
  using Reason = std::optional<std::string>;

  static Reason first_of(std::initializer_list<Reason> reasons) {
    const auto* found = std::find_if(reasons.begin(), reasons.end(),
                                     [](const Reason& reason) { return reason.has_value(); });
    return found == reasons.end() ? std::nullopt : *found;
  }

  Reason needs_kind(const std::string& kind) {
    if (knows_link_kind(scene_.home.socket, kind)) return std::nullopt;
    return fmt::format("this kernel has no devices of kind '{}'", kind);
  }
  Reason needs_forwarding();

  const AddressScene& scene_;
  const AddressLoan& loan_;
};

Preflight::Reason Preflight::needs_forwarding() {
  const auto& netns = scene_.home.netns;
  for (const auto& lent : loan_.addresses) {
    if (lent.home.family != AF_INET6) continue;
    if (read_sysctl(netns, lent.device_name, "ipv6/conf/force_forwarding") ||
        read_sysctl(netns, "all", "ipv6/conf/forwarding") == "1") {
      continue;
    }
    return "this kernel forwards IPv6 on all devices or on none (force_forwarding is Linux "
           "6.17's), and here on none; 'sysctl net.ipv6.conf.all.forwarding=1' makes this machine "
           "a router";
  }
  return std::nullopt;
}

Error refused(const AddressLoan& loan, const std::string& why) {
  return Error(
      fmt::format("address '{}' is not lent{}", loan.addresses.front().home.address().str(), why));
}
}  // namespace

AddressMode choose_mode(const AddressScene& scene, const AddressPlan& plan,
                        const AddressLoan& loan) {
  Preflight preflight(scene, loan);
  if (plan.mode != AddressMode::automatic) {
    const auto why = preflight.why_not(plan.mode);
    if (why) throw refused(loan, fmt::format(" in mode '{}': {}", mode_name(plan.mode), *why));
    return plan.mode;
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
    if (!is_forwarded(mode) || list_closed_forward_chains(scene.home.netns).empty()) return mode;
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
