#include "net/kernel/firewall.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_conntrack.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace netlend {

namespace {
using Of = FirewallCondition::Of;
using Then = FirewallRule::Then;

// More than the kernel lets chains call each other (NFT_JUMP_STACK_SIZE, net/netfilter).
constexpr int kDepthMax = 32;

template <typename Integer>
std::string bytes_of(Integer value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string padded_name(const std::string& name) {
  std::string bytes = name;
  bytes.resize(IFNAMSIZ, '\0');
  return bytes;
}

/// `size` bytes of the IP header from `offset` on, if they are of the address that is known.
std::optional<std::string> header_bytes(const ForwardedPacket& packet, std::size_t offset,
                                        std::size_t size) {
  const bool is_ipv4 = packet.address.family() == AF_INET;
  const bool is_source = packet.is == ForwardedPacket::Is::source;
  const std::size_t begin = is_ipv4 ? (is_source ? 12 : 16) : (is_source ? 8 : 24);
  const auto address = packet.address.bytes();
  if (offset < begin || offset + size > begin + address.size()) return std::nullopt;
  return std::string(address.substr(offset - begin, size));
}

std::optional<std::string> bytes_of(const ForwardedPacket& packet,
                                    const FirewallCondition& condition) {
  const bool is_ipv4 = packet.address.family() == AF_INET;
  const bool is_first = packet.state == ForwardedPacket::State::first;
  switch (condition.of) {
    case Of::from_device:
      return padded_name(packet.from_device.name);
    case Of::to_device:
      return padded_name(packet.to_device.name);
    case Of::from_index:
      return bytes_of(packet.from_device.index.value);
    case Of::to_index:
      return bytes_of(packet.to_device.index.value);
    case Of::from_group:
      return bytes_of(packet.from_device.group);
    case Of::to_group:
      return bytes_of(packet.to_device.group);
    case Of::family:
      return std::string(1, static_cast<char>(is_ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6));
    case Of::protocol:
      return bytes_of(htons(is_ipv4 ? ETH_P_IP : ETH_P_IPV6));
    case Of::header:
      return condition.any_of.empty()
                 ? std::nullopt
                 : header_bytes(packet, condition.offset, condition.any_of.front().first.size());
    case Of::state:
      return bytes_of<std::uint32_t>(NF_CT_STATE_BIT(is_first ? IP_CT_NEW : IP_CT_ESTABLISHED));
    case Of::status:
      return bytes_of<std::uint32_t>(is_first ? 0 : IPS_SEEN_REPLY | IPS_CONFIRMED);
    case Of::other:
      break;
  }
  return std::nullopt;
}

bool is_one_of(const std::string& bytes, const std::vector<FirewallCondition::Values>& any_of) {
  return std::any_of(any_of.begin(), any_of.end(), [&](const auto& values) {
    const std::string compared = bytes.substr(0, values.first.size());
    return values.end ? values.first <= compared && compared < *values.end
                      : values.first == compared;
  });
}

enum class Fits { no, some, all };

struct Fit {
  Fits fits = Fits::all;
  /// It is written for such packets.
  bool is_own = false;
};

bool is_of(const FirewallCondition& condition, Of name, Of index) {
  return condition.of == name || condition.of == index;
}

bool names_own(const FirewallCondition& condition, const ForwardedPacket& packet) {
  if (condition.is_inverted) return false;
  return condition.of == Of::header ||
         (is_of(condition, Of::from_device, Of::from_index) &&
          packet.from_device.name == packet.own_device) ||
         (is_of(condition, Of::to_device, Of::to_index) &&
          packet.to_device.name == packet.own_device);
}

Fit fit(const FirewallRule& rule, const ForwardedPacket& packet) {
  Fit result;
  for (const auto& condition : rule.conditions) {
    auto bytes = bytes_of(packet, condition);
    // A set of several things at once has longer values.
    const bool is_longer =
        bytes && !condition.any_of.empty() && condition.any_of.front().first.size() > bytes->size();
    if (!bytes || is_longer) {
      result.fits = Fits::some;
      continue;
    }
    for (std::size_t i = 0; i < std::min(bytes->size(), condition.mask.size()); ++i) {
      (*bytes)[i] = static_cast<char>((*bytes)[i] & condition.mask[i]);
    }
    if (is_one_of(*bytes, condition.any_of) == condition.is_inverted) return {.fits = Fits::no};
    result.is_own = result.is_own || names_own(condition, packet);
  }
  return result;
}

enum class Outcome { accepted, dropped, back };

class Walk {
 public:
  Walk(const Firewall& firewall, const ForwardedPacket& packet)
      : firewall_(firewall), packet_(packet) {}

  /// `is_own`: what led here names the packet.
  Outcome go(const std::string& name, bool is_own, int depth = 0) const {
    const auto chain = firewall_.chains.find(name);
    if (chain == firewall_.chains.end() || depth > kDepthMax) return Outcome::back;
    for (const auto& rule : chain->second.rules) {
      const Fit how = fit(rule, packet_);
      const bool is_ours = is_own || how.is_own;
      if (how.fits == Fits::no || (how.fits == Fits::some && !is_ours)) continue;
      const auto outcome = then(rule, is_ours, depth);
      if (outcome == Outcome::accepted) return Outcome::accepted;
      if (outcome && how.fits == Fits::all) return *outcome;
    }
    return chain->second.drops_rest ? Outcome::dropped : Outcome::back;
  }

 private:
  /// Nothing: the next rule is asked.
  std::optional<Outcome> then(const FirewallRule& rule, bool is_own, int depth) const {
    switch (rule.then) {
      case Then::accept:
        return Outcome::accepted;
      case Then::drop:
        return Outcome::dropped;
      case Then::leave:
        return Outcome::back;
      case Then::go_to:
        return go(rule.chain, is_own, depth + 1);
      case Then::jump: {
        const Outcome outcome = go(rule.chain, is_own, depth + 1);
        return outcome == Outcome::back ? std::nullopt : std::optional{outcome};
      }
      case Then::unknown:
        return is_own ? std::optional{Outcome::accepted} : std::nullopt;
      case Then::go_on:
        break;
    }
    return std::nullopt;
  }

  const Firewall& firewall_;
  const ForwardedPacket& packet_;
};
}  // namespace

bool passes(const Firewall& firewall, const std::string& chain, const ForwardedPacket& packet) {
  const auto outcome = Walk(firewall, packet).go(chain, /*is_own=*/false);
  if (outcome != Outcome::back) return outcome == Outcome::accepted;
  const auto entry = firewall.chains.find(chain);
  return entry == firewall.chains.end() || !entry->second.drops_rest;
}

std::vector<Firewall> list_forward_firewalls(const Netns& netns) {
  auto all = list_nft_firewalls(netns);
  auto legacy = list_legacy_firewalls(netns);
  std::move(legacy.begin(), legacy.end(), std::back_inserter(all));
  return all;
}

FirewallCondition conntrack_condition(std::string_view info) {
  xt_conntrack_mtinfo3 asked{};
  if (info.size() < sizeof asked) return {};
  std::memcpy(&asked, info.data(), sizeof asked);
  if ((asked.match_flags & ~XT_CONNTRACK_STATE_ALIAS) != XT_CONNTRACK_STATE) return {};
  return {.of = Of::state,
          .mask = bytes_of<std::uint32_t>(asked.state_mask),
          .any_of = {{.first = bytes_of<std::uint32_t>(0)}},
          .is_inverted = (asked.invert_flags & XT_CONNTRACK_STATE) == 0};
}

FirewallRule::Then then_of_target(std::string_view name) {
  constexpr std::array<std::string_view, 7> kGoOn{"LOG",    "NFLOG", "MARK",    "CONNMARK",
                                                  "TCPMSS", "TRACE", "CHECKSUM"};
  if (name == "REJECT") return Then::drop;
  return std::find(kGoOn.begin(), kGoOn.end(), name) != kGoOn.end() ? Then::go_on : Then::unknown;
}

}  // namespace netlend
