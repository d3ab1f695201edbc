#include "net/l3/uplink_watch.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "net/kernel/site.hpp"
#include "net/l3/mode.hpp"
#include "net/l3/routed_messages.hpp"
#include "net/ledger/lock.hpp"

namespace netlend {

namespace {
constexpr int kLockTimeoutMs = 15'000;
constexpr std::size_t kEventsMax = 16 * 1024UL;

UniqueFd listen_to_links() {
  UniqueFd fd{check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE),
                    "listen to", "the devices here")};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  check(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "listen to",
        "the devices here");
  return fd;
}

/// The kernel can't enter the network of an address again whose first address is lent: it wants
/// that for its source (net/ipv4/fib_semantics.c, fib_valid_prefsrc).
void restore_networks(Site& home, const Ledger& ledger, IfIndex device) {
  for (const auto& changed : ledger.home_changes.routes) {
    RouteRecord route = changed.route;
    if (changed.device != device || route.protocol != RTPROT_KERNEL) continue;
    for (const auto& loan : ledger.address_loans) {
      for (const auto& lent : loan.addresses) {
        if (route.attributes[RTA_PREFSRC] != lent.home.address().bytes()) continue;
        route.attributes[RTA_PREFSRC] = lent.substitute;
        Failures there_already;
        attempt(there_already, [&] {
          home.socket.call(add_only_route(device, route, "restore " + describe(route)));
        });
        break;
      }
    }
  }
}
}  // namespace

UplinkWatch::UplinkWatch(const StateDirectory& state, const Ledger& ledger)
    : state_(state), ledger_name_(ledger.name), events_(listen_to_links()) {
  for (const auto& loan : ledger.address_loans) {
    if (!is_answered_by_home(mode_of(loan)) || !loan.ports.empty()) continue;
    for (const auto& lent : loan.addresses) {
      answered_.push_back({lent.device, lent.home.address()});
    }
  }
}

/// Whether one of the devices did, of all that is told of.
bool UplinkWatch::has_changed() {
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
      const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(head));
      has_ours = has_ours || std::any_of(answered_.begin(), answered_.end(), [&](const auto& one) {
                   return one.device.value == link->ifi_index;
                 });
    }
  }
}

void UplinkWatch::answer_again() {
  // Whoever gives back holds the lock, and takes away what is entered here.
  LedgerLock lock = LedgerLock::acquire(state_, ledger_name_, kLockTimeoutMs);
  const auto ledger = load_ledger(state_, ledger_name_);
  if (!ledger) {
    lock.remove();
    return;
  }
  Site home{Netns::current()};
  for (const auto& [device, address] : answered_) {
    const auto link = find_link(home.socket, device);
    if (!link || !link->is_up()) continue;
    home.socket.call(add_neighbour(device, proxy_for(address), "answer for it again"));
    restore_networks(home, *ledger, device);
  }
}

void UplinkWatch::renew() noexcept {
  Failures ignored;  // At the next change it is tried again, and giving back needs none of it.
  attempt(ignored, [&] {
    if (has_changed()) answer_again();
  });
}

}  // namespace netlend
