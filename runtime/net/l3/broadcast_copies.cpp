#include "net/l3/broadcast_copies.hpp"

#include <fmt/core.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "net/kernel/frame_mirror.hpp"
#include "net/kernel/qdisc.hpp"
#include "net/l3/frame_chains.hpp"

namespace netlend {

namespace {
constexpr std::uint32_t kAll = 0xffffffff;

constexpr sock_filter load(std::uint16_t size, int offset) {
  return {.code = static_cast<std::uint16_t>(BPF_LD | BPF_ABS | size),
          .jt = 0,
          .jf = 0,
          .k = static_cast<std::uint32_t>(offset)};
}
constexpr sock_filter jump(std::uint16_t how, std::uint32_t value, std::uint8_t then,
                           std::uint8_t otherwise) {
  return {.code = static_cast<std::uint16_t>(BPF_JMP | BPF_K | how),
          .jt = then,
          .jf = otherwise,
          .k = value};
}
constexpr sock_filter answer(std::uint32_t value) {
  return {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = value};
}

/// What broadcast_chain() says, for traffic control. RFC 8200: where the next header stands.
std::vector<sock_filter> broadcast_program(const AddressLoan& loan) {
  constexpr int kNextHeader = SKF_NET_OFF + 6;
  constexpr int kPayload = SKF_NET_OFF + 40;
  // A family that isn't lent has no such type.
  constexpr std::uint32_t kNone = 0x10000;
  const std::uint32_t ipv4 = has_family(loan, AF_INET) ? ETH_P_IP : kNone;
  const std::uint32_t ipv6 = has_family(loan, AF_INET6) ? ETH_P_IPV6 : kNone;
  return {
      load(BPF_B, SKF_AD_OFF + SKF_AD_PKTTYPE),
      jump(BPF_JEQ, PACKET_BROADCAST, 1, 0),
      jump(BPF_JEQ, PACKET_MULTICAST, 0, 8),
      load(BPF_H, SKF_AD_OFF + SKF_AD_PROTOCOL),
      jump(BPF_JEQ, ipv4, 7, 0),
      jump(BPF_JEQ, ipv6, 0, 5),
      // Routers and neighbours (RFC 4861) are home's business.
      load(BPF_B, kNextHeader),
      jump(BPF_JEQ, IPPROTO_ICMPV6, 0, 4),
      load(BPF_B, kPayload),
      jump(BPF_JGE, ND_ROUTER_SOLICIT, 0, 2),
      jump(BPF_JGT, ND_REDIRECT, 1, 0),
      answer(0),
      answer(kAll),
  };
}

/// Of the loan, whose identifier is 16 hex digits; never 0.
std::uint32_t mark_of(const AddressLoan& loan) {
  constexpr int kHex = 16;
  constexpr std::size_t kDigits = 8;
  return static_cast<std::uint32_t>(std::stoul(loan.id.substr(0, kDigits), nullptr, kHex)) | 1U;
}

void mirror(const AddressScene& scene, const AddressLoan& loan, const LentAddress& lent,
            IfIndex pair) {
  auto& qdiscs = scene.ledger.home_changes.ingress_qdiscs;
  const auto is_in = [&](const std::vector<IfIndex>& list) {
    return std::find(list.begin(), list.end(), lent.device) != list.end();
  };
  const auto others = other_address_ledgers(scene);
  const bool is_made = !has_ingress_qdisc(scene.home.socket, lent.device);
  const bool is_shared = std::any_of(others.begin(), others.end(), [&](const Ledger& ledger) {
    return is_in(ledger.home_changes.ingress_qdiscs);
  });
  if ((is_made || is_shared) && !is_in(qdiscs)) {
    qdiscs.push_back(lent.device);
    save_ledger(scene.state, scene.ledger);
  }
  const std::string name = printable(lent.device_name);
  if (is_made) {
    scene.ensure(scene.home,
                 add_ingress_qdisc(lent.device, fmt::format("add clsact to '{}'", name)));
  }
  scene.call(scene.home, add_frame_mirror({.from = lent.device,
                                           .to = pair,
                                           .mark = mark_of(loan),
                                           .program = broadcast_program(loan)},
                                          fmt::format("copy the broadcasts of '{}'", name)));
}
}  // namespace

std::string_view name_of(CopiedBy by) { return by == CopiedBy::nftables ? "nftables" : "tc"; }

CopyChoice choose_copies(Site& home, const AddressLoan& loan, const std::string& device) {
  const auto link = find_link(home.socket, device);
  const IfIndex index = link ? link->ifindex : IfIndex{};
  const auto why_not_nftables =
      why_no_frame_chain(home.netns, broadcast_chain(loan, device, /*pair=*/index));
  if (!why_not_nftables) return {.by = CopiedBy::nftables, .why_not = {}};
  const auto why_not_tc = why_no_frame_mirror(broadcast_program(loan));
  if (!why_not_tc) return {.by = CopiedBy::tc, .why_not = {}};
  return {.by = {},
          .why_not = fmt::format(
              "this kernel can't copy what a device receives, which broadcast=yes needs: not by "
              "nftables (dup of family netdev): {}; and not by tc (clsact, bpf, mirred): {}",
              *why_not_nftables, *why_not_tc)};
}

void copy_broadcasts(const AddressScene& scene, const AddressLoan& loan, IfIndex pair) {
  std::set<IfIndex> done;
  for (const auto& lent : loan.addresses) {
    if (!done.insert(lent.device).second) continue;
    if (loan.has_mirrors) {
      mirror(scene, loan, lent, pair);
      continue;
    }
    if (scene.on_step) scene.on_step(fmt::format("copy the broadcasts of '{}'", lent.device_name));
    add_frame_chain(scene.home.netns, broadcast_chain(loan, lent.device_name, pair));
  }
}

void end_mirrors(const AddressScene& scene, const AddressLoan& loan) {
  if (!loan.has_mirrors) return;
  for (const auto& lent : loan.addresses) {
    const auto link = find_link(scene.home.socket, lent.device);
    if (!link || !has_ingress_qdisc(scene.home.socket, lent.device)) continue;
    const std::string doing =
        fmt::format("end the copies of the broadcasts of '{}'", printable(link->name));
    if (scene.on_step) scene.on_step(doing);
    remove_frame_mirrors(scene.home.socket, lent.device, mark_of(loan), doing);
  }
}

void put_back_ingress(const AddressScene& scene, const HomeChanges& others, Failures& failures) {
  for (const IfIndex device : scene.ledger.home_changes.ingress_qdiscs) {
    const auto& theirs = others.ingress_qdiscs;
    if (std::find(theirs.begin(), theirs.end(), device) != theirs.end()) continue;
    attempt(failures, [&] {
      if (!find_link(scene.home.socket, device) || !has_ingress_qdisc(scene.home.socket, device) ||
          has_filters(scene.home.socket, device)) {
        return;
      }
      scene.ensure(scene.home, remove_ingress_qdisc(device, "remove clsact"));
    });
  }
}

}  // namespace netlend
