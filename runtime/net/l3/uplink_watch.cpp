#include "net/l3/uplink_watch.hpp"

#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/syscall.hpp"
#include "net/kernel/message.hpp"

namespace netlend {

namespace {
constexpr std::size_t kEventsMax = 16 * 1024UL;

constexpr std::uint32_t group(unsigned number) { return 1U << (number - 1); }

UniqueFd listen_to_home() {
  UniqueFd fd{check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE),
                    "listen to", "the devices here")};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = group(RTNLGRP_LINK) | group(RTNLGRP_IPV4_IFADDR) |
                      group(RTNLGRP_IPV6_IFADDR) | group(RTNLGRP_IPV4_ROUTE) |
                      group(RTNLGRP_IPV6_ROUTE) | group(RTNLGRP_IPV4_NETCONF) |
                      group(RTNLGRP_IPV6_NETCONF);
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
  for (const auto& loan : ledger.address_loans) {
    for (const auto& lent : loan.addresses) {
      devices_.insert(lent.device.value);
      addresses_.emplace(lent.home.address().bytes());
    }
  }
  for (const auto& sysctl : ledger.home_changes.sysctls) devices_.insert(sysctl.device.value);
}

bool UplinkWatch::concerns_us(const nlmsghdr& message) const {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return devices_.contains(static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_index);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return static_cast<const ifaddrmsg*>(NLMSG_DATA(&message))->ifa_scope < RT_SCOPE_LINK;
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
