#include "net/kernel/announce.hpp"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/syscall.hpp"
#include "base/unique_fd.hpp"

namespace netlend {

namespace {
constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kIpv4Bytes = 4;
constexpr int kNdHopLimit = 255;  // RFC 4861: any other is ignored.

struct ArpBody {
  arphdr header;
  std::array<char, kMacBytes> sender_mac;
  std::array<char, kIpv4Bytes> sender_ip;
  std::array<char, kMacBytes> target_mac;
  std::array<char, kIpv4Bytes> target_ip;
} __attribute__((packed));

struct Advertisement {
  nd_neighbor_advert header;
  nd_opt_hdr option;
  std::array<char, kMacBytes> mac;
} __attribute__((packed));

void send_arp(const LinkState& link, const IpAddress& address) {
  const UniqueFd fd{check(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open", "a socket")};
  ArpBody body{};
  body.header = {.ar_hrd = htons(ARPHRD_ETHER),
                 .ar_pro = htons(ETHERTYPE_IP),
                 .ar_hln = kMacBytes,
                 .ar_pln = kIpv4Bytes,
                 .ar_op = htons(ARPOP_REQUEST)};
  std::memcpy(body.sender_mac.data(), link.address.data(), kMacBytes);
  std::memcpy(body.sender_ip.data(), address.bytes().data(), kIpv4Bytes);
  std::memcpy(body.target_ip.data(), address.bytes().data(), kIpv4Bytes);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETHERTYPE_ARP);
  to.sll_ifindex = link.ifindex.value;
  to.sll_halen = kMacBytes;
  std::memset(to.sll_addr, 0xff, kMacBytes);
  check(::sendto(fd.get(), &body, sizeof body, 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
        "announce", address.str());
}

void send_advertisement(const LinkState& link, const IpAddress& address) {
  const UniqueFd fd{
      check(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6), "open", "a socket")};
  check(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &kNdHopLimit, sizeof kNdHopLimit),
        "set the hop limit of", "a socket");
  Advertisement body{};
  body.header.nd_na_type = ND_NEIGHBOR_ADVERT;
  body.header.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
  std::memcpy(&body.header.nd_na_target, address.bytes().data(), sizeof(in6_addr));
  body.option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1};
  std::memcpy(body.mac.data(), link.address.data(), kMacBytes);
  sockaddr_in6 from{};
  from.sin6_family = AF_INET6;
  from.sin6_scope_id = static_cast<std::uint32_t>(link.ifindex.value);
  std::memcpy(&from.sin6_addr, address.bytes().data(), sizeof from.sin6_addr);
  check(::bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from), "announce",
        address.str());
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_scope_id = from.sin6_scope_id;
  ::inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
  check(::sendto(fd.get(), &body, sizeof body, 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
        "announce", address.str());
}
}  // namespace

Failures announce(Site& site, const LinkState& link,
                  const std::vector<AddressRecord>& addresses) noexcept {
  Failures failures;
  const bool can_speak = link.is_up() && link.has_carrier && (link.flags & IFF_NOARP) == 0 &&
                         !link.is_loopback() && link.address.size() == kMacBytes;
  if (!can_speak) return failures;
  attempt(failures, [&] {
    run_in_netns(site.netns, [&] {
      for (const auto& record : addresses) {
        if (record.is_tentative() || record.is_duplicate()) continue;
        attempt(failures, [&] {
          const IpAddress address = record.address();
          address.family() == AF_INET ? send_arp(link, address) : send_advertisement(link, address);
        });
      }
    });
  });
  return failures;
}

}  // namespace netlend
