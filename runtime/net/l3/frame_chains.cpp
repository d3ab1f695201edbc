#include "net/l3/frame_chains.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

namespace netlend {

namespace {
using What = FrameMatch::What;
using Is = FrameMatch::Is;
using Then = FrameRule::Then;

// Where they begin, RFC 791, RFC 8200, RFC 826.
constexpr std::uint32_t kSource4 = 12;
constexpr std::uint32_t kSource6 = 8;
constexpr std::uint32_t kNextHeader6 = 6;
constexpr std::uint32_t kPayload6 = 40;
constexpr std::uint32_t kArpSender = 14;

FrameMatch of_protocol(std::uint16_t type) {
  const std::uint16_t network = htons(type);
  return {.what = What::protocol,
          .bytes = {reinterpret_cast<const char*>(&network), sizeof network}};
}

FrameMatch one_byte(What what, int value, std::uint32_t offset = 0, Is is = Is::equal) {
  return {
      .what = what, .bytes = std::string(1, static_cast<char>(value)), .offset = offset, .is = is};
}

FrameRule from_address(std::uint16_t type, std::uint32_t offset, const IpAddress& address) {
  return {
      .matches = {of_protocol(type),
                  {.what = What::network, .bytes = std::string(address.bytes()), .offset = offset}},
      .then = Then::accept,
      .copy_to = {}};
}
}  // namespace

FrameChain source_chain(const AddressLoan& loan, const std::string& device) {
  FrameChain chain{.table = loan.host_name,
                   .device = device,
                   .hook = FrameChain::Hook::egress,
                   .drops_rest = true,
                   .rules = {}};
  for (const auto& lent : loan.addresses) {
    const IpAddress address = lent.home.address();
    if (address.family() == AF_INET) {
      chain.rules.push_back(from_address(ETH_P_IP, kSource4, address));
      chain.rules.push_back(from_address(ETH_P_ARP, kArpSender, address));
    } else {
      chain.rules.push_back(from_address(ETH_P_IPV6, kSource6, address));
    }
  }
  return chain;
}

FrameChain heir_chain(const AddressLoan& loan, const std::string& device) {
  const FrameMatch to_borrower{.what = What::link, .bytes = loan.inside_address};
  return {.table = loan.host_name,
          .device = device,
          .rules = {{.matches = {to_borrower}, .then = Then::take, .copy_to = {}}}};
}

FrameChain broadcast_chain(const AddressLoan& loan, const std::string& device, IfIndex pair) {
  FrameChain chain{.table = loan.host_name, .device = device, .rules = {}};
  const auto copy = [&](std::uint16_t type, int packet_type) {
    chain.rules.push_back({.matches = {of_protocol(type), one_byte(What::packet_type, packet_type)},
                           .then = Then::copy,
                           .copy_to = pair});
  };
  if (has_family(loan, AF_INET)) {
    copy(ETH_P_IP, PACKET_BROADCAST);
    copy(ETH_P_IP, PACKET_MULTICAST);
  }
  if (has_family(loan, AF_INET6)) {
    // Routers and neighbours (RFC 4861) are home's business: the borrower has none but its pair.
    chain.rules.push_back(
        {.matches = {of_protocol(ETH_P_IPV6), one_byte(What::network, IPPROTO_ICMPV6, kNextHeader6),
                     one_byte(What::network, ND_ROUTER_SOLICIT, kPayload6, Is::at_least),
                     one_byte(What::network, ND_REDIRECT, kPayload6, Is::at_most)},
         .then = Then::accept,
         .copy_to = {}});
    copy(ETH_P_IPV6, PACKET_MULTICAST);
  }
  return chain;
}

}  // namespace netlend
