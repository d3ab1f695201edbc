#include "net/l3/socket_fixture.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <functional>

#include "base/syscall.hpp"
#include "net/kernel/names.hpp"
#include "net/kernel/netns.hpp"

namespace netlend::test {

namespace {
constexpr std::uint16_t kClaimPort = 7000;
constexpr int kTimeoutMs = 3000;
// Newer than the headers of some (linux/in6.h).
constexpr int kIpv6HeaderIncluded = 36;

void run_in(const Sleeper* where, const std::function<void()>& work) {
  if (where == nullptr) return work();
  run_in_netns(Netns::of_process(where->pid()), work);
}

struct SocketAddress {
  SocketAddress(const IpAddress& address, std::uint16_t port) {
    storage.ss_family = static_cast<sa_family_t>(address.family());
    const bool is_ipv4 = address.family() == AF_INET;
    size = is_ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    auto* bytes = reinterpret_cast<char*>(&storage);
    std::memcpy(
        bytes + (is_ipv4 ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr)),
        address.bytes().data(), address.bytes().size());
    const std::uint16_t network_port = htons(port);
    std::memcpy(bytes + offsetof(sockaddr_in, sin_port), &network_port, sizeof network_port);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t size = 0;
};

UniqueFd open_socket(const Sleeper* where, int family, int type, int protocol = 0) {
  UniqueFd fd;
  run_in(where, [&] {
    fd = UniqueFd{check(::socket(family, type | SOCK_CLOEXEC, protocol), "open", "a socket")};
  });
  return fd;
}

void set_option(const UniqueFd& fd, int level, int option, int value) {
  check(::setsockopt(fd.get(), level, option, &value, sizeof value), "set", "a socket option");
}

/// What lets an address be bound that isn't there.
void claim(const UniqueFd& fd, int family, Bind how) {
  if (how == Bind::plain) return;
  const bool is_ipv4 = family == AF_INET;
  if (how == Bind::transparent) {
    set_option(fd, is_ipv4 ? SOL_IP : SOL_IPV6, is_ipv4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1);
  } else {
    set_option(fd, is_ipv4 ? SOL_IP : SOL_IPV6, is_ipv4 ? IP_FREEBIND : IPV6_FREEBIND, 1);
  }
}

std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    sum += i % 2 == 0 ? static_cast<std::uint32_t>(byte) << 8 : byte;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

template <typename Header>
std::string bytes_of(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

/// A whole packet with an empty UDP datagram in it.
std::string make_packet(const IpAddress& from, const IpAddress& to) {
  udphdr udp{};
  udp.uh_sport = udp.uh_dport = htons(kClaimPort);
  udp.uh_ulen = htons(sizeof udp);
  const std::string ends = std::string(from.bytes()) + std::string(to.bytes());
  const std::string pseudo{'\0', IPPROTO_UDP, '\0', sizeof udp};
  udp.uh_sum = htons(checksum(ends + pseudo + bytes_of(udp)));
  if (from.family() == AF_INET6) {
    ip6_hdr ip{};
    ip.ip6_flow = htonl(6U << 28);
    ip.ip6_plen = htons(sizeof udp);
    ip.ip6_nxt = IPPROTO_UDP;
    ip.ip6_hlim = 64;
    std::memcpy(&ip.ip6_src, from.bytes().data(), sizeof ip.ip6_src);
    std::memcpy(&ip.ip6_dst, to.bytes().data(), sizeof ip.ip6_dst);
    return bytes_of(ip) + bytes_of(udp);
  }
  iphdr ip{};
  ip.version = 4;
  ip.ihl = sizeof ip / 4;
  ip.ttl = 64;
  ip.protocol = IPPROTO_UDP;
  ip.tot_len = htons(sizeof ip + sizeof udp);
  std::memcpy(&ip.saddr, from.bytes().data(), sizeof ip.saddr);
  std::memcpy(&ip.daddr, to.bytes().data(), sizeof ip.daddr);
  return bytes_of(ip) + bytes_of(udp);
}

/// What the kernel refuses is not sent.
void send_from(const Sleeper& sender, const IpAddress& from, const IpAddress& to, Bind how) {
  const int family = from.family();
  if (how == Bind::raw) {
    const auto fd = open_socket(&sender, family, SOCK_RAW, IPPROTO_RAW);
    if (family == AF_INET6) set_option(fd, SOL_IPV6, kIpv6HeaderIncluded, 1);
    const std::string packet = make_packet(from, to);
    const SocketAddress target(to, 0);
    ::sendto(fd.get(), packet.data(), packet.size(), 0, target.get(), target.size);
    return;
  }
  const auto fd = open_socket(&sender, family, SOCK_DGRAM);
  claim(fd, family, how);
  const SocketAddress source(from, kClaimPort);
  const SocketAddress target(to, kClaimPort);
  if (::bind(fd.get(), source.get(), source.size) == -1) return;
  ::sendto(fd.get(), "", 0, 0, target.get(), target.size);
}

bool wait_for(const UniqueFd& fd, short event) {
  pollfd waiting{.fd = fd.get(), .events = event, .revents = 0};
  return ::poll(&waiting, 1, kTimeoutMs) == 1;
}

std::string errno_name(int errno_value) {
  const std::string text = errno_text(errno_value);
  const auto begin = text.find('(') + 1;
  return text.substr(begin, text.find(')') - begin);
}
}  // namespace

Listener::Listener(const Sleeper* where, const std::string& name, std::uint16_t port) {
  const auto fd = open_socket(where, AF_INET6, SOCK_STREAM);
  set_option(fd, SOL_IPV6, IPV6_V6ONLY, 0);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  const SocketAddress any(IpAddress{"::"}, port);
  check(::bind(fd.get(), any.get(), any.size), "bind", "a port");
  check(::listen(fd.get(), 8), "listen on", "a port");
  pid_ = check(::fork(), "fork", "a listener");
  if (pid_ != 0) return;
  for (;;) {
    const UniqueFd caller{::accept(fd.get(), nullptr, nullptr)};
    static_cast<void>(::send(caller.get(), name.data(), name.size(), MSG_NOSIGNAL));
  }
}

Listener::~Listener() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string ask_listener(const Sleeper& from, const std::string& address, std::uint16_t port) {
  const IpAddress to{address};
  const auto fd = open_socket(&from, to.family(), SOCK_STREAM | SOCK_NONBLOCK);
  const SocketAddress target(to, port);
  if (::connect(fd.get(), target.get(), target.size) == -1 && errno != EINPROGRESS) {
    return errno_name(errno);
  }
  if (!wait_for(fd, POLLOUT)) return "ETIMEDOUT";
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return errno_name(error);
  if (!wait_for(fd, POLLIN)) return "silence";
  std::array<char, 64> said{};
  const auto got = ::recv(fd.get(), said.data(), said.size(), 0);
  return got < 0 ? errno_name(errno) : std::string(said.data(), static_cast<std::size_t>(got));
}

int bind_error(const Sleeper* where, const std::string& address, Bind how) {
  const IpAddress ip{address};
  const auto fd = open_socket(where, ip.family(), SOCK_DGRAM);
  claim(fd, ip.family(), how);
  const SocketAddress wanted(ip, kClaimPort);
  return ::bind(fd.get(), wanted.get(), wanted.size) == 0 ? 0 : errno;
}

void advertise_router(const Sleeper& where, const std::string& device) {
  const auto fd = open_socket(&where, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  constexpr int kOnLinkHops = 255;  // RFC 4861, 6.1.2
  set_option(fd, SOL_IPV6, IPV6_MULTICAST_HOPS, kOnLinkHops);
  nd_router_advert advert{};
  advert.nd_ra_type = ND_ROUTER_ADVERT;
  advert.nd_ra_router_lifetime = htons(1800);
  SocketAddress all(IpAddress{"ff02::1"}, 0);
  unsigned index = 0;
  run_in(&where, [&] { index = ::if_nametoindex(device.c_str()); });
  std::memcpy(reinterpret_cast<char*>(&all.storage) + offsetof(sockaddr_in6, sin6_scope_id), &index,
              sizeof index);
  // Until the kernel's worker has seen the carrier there is no route of multicasts, and no address
  // of the link.
  for (;;) {
    const auto sent = ::sendto(fd.get(), &advert, sizeof advert, 0, all.get(), all.size);
    if (sent == -1 && (errno == ENETUNREACH || errno == EADDRNOTAVAIL)) continue;
    check(sent, "advertise", device);
    return;
  }
}

bool is_heard(const Claim& claim, const Sleeper* receiver, const std::string& to) {
  const IpAddress target{to};
  const IpAddress claimed{claim.claimed};
  const auto fd = open_socket(receiver, target.family(), SOCK_DGRAM);
  const SocketAddress here(target, kClaimPort);
  check(::bind(fd.get(), here.get(), here.size), "bind", to);
  send_from(claim.sender, claimed, target, claim.how);
  // What was sent before this has arrived when this arrives.
  send_from(claim.sender, IpAddress{claim.own}, target, Bind::plain);
  while (wait_for(fd, POLLIN)) {
    SocketAddress source(target, 0);
    char byte = 0;
    ::recvfrom(fd.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&source.storage), &source.size);
    const auto same = [&](const std::string& address) {
      const SocketAddress wanted(IpAddress{address}, kClaimPort);
      return target.family() == AF_INET
                 ? std::memcmp(reinterpret_cast<const char*>(&wanted.storage) + 4,
                               reinterpret_cast<const char*>(&source.storage) + 4, 4) == 0
                 : std::memcmp(reinterpret_cast<const char*>(&wanted.storage) + 8,
                               reinterpret_cast<const char*>(&source.storage) + 8, 16) == 0;
    };
    if (claim.claimed != claim.own && same(claim.claimed)) return true;
    if (same(claim.own)) return claim.claimed == claim.own;
  }
  throw Error(
      fmt::format("after '{}' was claimed ({}), nothing that is sent from '{}' arrives at '{}'",
                  claim.claimed, static_cast<int>(claim.how), claim.own, to));
}

}  // namespace netlend::test
