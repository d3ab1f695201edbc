#include "net/l3/uplink_watch.hpp"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "base/syscall.hpp"
#include "net/kernel/message.hpp"

namespace netlend {

namespace {
/// Of `lo`, in every network namespace. Source: LOOPBACK_IFINDEX, include/net/flow.h.
constexpr int kLoopbackIndex = 1;
constexpr std::size_t kEventsMax = 16 * 1024UL;

constexpr std::uint32_t group(unsigned number) { return 1U << (number - 1); }

/// On a busy network neighbours come and change all the time, which is to wake nobody: only what is
/// deleted is of interest. Source: socket(7), SO_ATTACH_FILTER.
void pass_over_new_neighbours(const UniqueFd& fd) {
  // The filter loads in network byte order what netlink has in that of the machine.
  const std::uint32_t new_neighbour = htons(RTM_NEWNEIGH);
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, new_neighbour, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  }};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  check(::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), "listen to",
        "the devices here");
}

UniqueFd listen_to_home() {
  UniqueFd fd{check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE),
                    "listen to", "the devices here")};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = group(RTNLGRP_LINK) | group(RTNLGRP_IPV4_IFADDR) |
                      group(RTNLGRP_IPV6_IFADDR) | group(RTNLGRP_IPV4_ROUTE) |
                      group(RTNLGRP_IPV6_ROUTE) | group(RTNLGRP_IPV4_NETCONF) |
                      group(RTNLGRP_IPV6_NETCONF) | group(RTNLGRP_IPV4_RULE) |
                      group(RTNLGRP_IPV6_RULE) | group(RTNLGRP_NEIGH);
  pass_over_new_neighbours(fd);
  check(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "listen to",
        "the devices here");
  return fd;
}

/// The attributes behind a message's own header.
template <typename Header>
Attributes attributes_of(const nlmsghdr& message) {
  const auto* begin = static_cast<const char*>(NLMSG_DATA(&message)) + NLMSG_ALIGN(sizeof(Header));
  const auto* end = reinterpret_cast<const char*>(&message) + message.nlmsg_len;
  return begin < end ? Attributes(std::string_view(begin, static_cast<std::size_t>(end - begin)))
                     : Attributes();
}
}  // namespace

UplinkWatch::UplinkWatch(const Ledger& ledger) : events_(listen_to_home()) { follow(ledger); }

void UplinkWatch::follow(const Ledger& ledger) {
  devices_.clear();
  addresses_.clear();
  substitutes_.clear();
  pairs_.clear();
  pair_devices_.clear();
  for (const auto& loan : ledger.address_loans) {
    pairs_.insert(loan.host_name);
    for (const auto& lent : loan.addresses) {
      devices_.insert(lent.device.value);
      addresses_.emplace(lent.home.address().bytes());
      substitutes_.insert(lent.substitute);
    }
    // As long as it has that name: from its number a change of it is known.
    const unsigned pair = ::if_nametoindex(loan.host_name.c_str());
    if (pair == 0) continue;
    devices_.insert(static_cast<int>(pair));
    pair_devices_.insert(static_cast<int>(pair));
  }
  for (const auto& sysctl : ledger.home_changes.sysctls) devices_.insert(sysctl.device.value);
}

/// Where many are lent, each that comes or goes would wake all who wait otherwise: an IPv6 address
/// is taken off its device and parked on `lo`, and put on again with those that stood before it.
bool UplinkWatch::concerns_us(const ifaddrmsg& message, const Attributes& attributes) const {
  if (message.ifa_scope >= RT_SCOPE_LINK) return false;
  const auto device = static_cast<int>(message.ifa_index);
  const bool is_known = devices_.contains(device) || device == kLoopbackIndex;
  const bool lacks_substitute = substitutes_.contains("");
  if (message.ifa_family != AF_INET6 || !is_known || lacks_substitute) return true;
  const std::string address{attributes.find(IFA_ADDRESS).value_or("")};
  return addresses_.contains(address) || substitutes_.contains(address);
}

bool UplinkWatch::concerns_us(const nlmsghdr& message) const {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return devices_.contains(static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_index);
    case RTM_DELRULE:
      return pairs_.contains(attributes_of<fib_rule_hdr>(message).text(FRA_IIFNAME));
    case RTM_DELNEIGH:
      return pair_devices_.contains(static_cast<const ndmsg*>(NLMSG_DATA(&message))->ndm_ifindex);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return concerns_us(*static_cast<const ifaddrmsg*>(NLMSG_DATA(&message)),
                         attributes_of<ifaddrmsg>(message));
    case RTM_NEWROUTE: {
      const auto source = attributes_of<rtmsg>(message).find(RTA_PREFSRC);
      return source && addresses_.contains(std::string(*source));
    }
    case RTM_NEWNETCONF: {
      const auto device = attributes_of<netconfmsg>(message).u32(NETCONFA_IFINDEX);
      return device && (static_cast<int>(*device) == NETCONFA_IFINDEX_ALL ||
                        devices_.contains(static_cast<int>(*device)));
    }
    default:
      return false;
  }
}

bool UplinkWatch::has_changed() noexcept {
  alignas(nlmsghdr) std::array<char, kEventsMax> buffer{};
  bool has_ours = false;
  for (;;) {
    const auto size = ::recv(events_.get(), buffer.data(), buffer.size(), 0);
    if (size == -1 && errno == EINTR) continue;
    if (size == -1 && errno == ENOBUFS) {
      has_ours = true;  // There were more than fit.
      continue;
    }
    if (size <= 0) return has_ours;
    auto left = static_cast<unsigned>(size);
    for (auto* head = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(head, left);
         head = NLMSG_NEXT(head, left)) {
      has_ours = has_ours || concerns_us(*head);
    }
  }
}

}  // namespace netlend
