#include "guardian/follower.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/syscall.hpp"
#include "net/held_netns.hpp"
#include "net/kernel/site.hpp"
#include "net/locate.hpp"

namespace netlend {

namespace {
// Read at once: whoever sends them is not to keep the guardian from all else.
constexpr int kForeignMessagesMax = 64;

/// That a device has left: not the rest of what happens in the namespace, where a borrower can make
/// as much happen as it likes. Numbers of the message are loaded as if they were in network order;
/// a port that leaves a bridge has the family of bridges.
auto only_the_end_of(IfIndex ifindex) {
  constexpr std::uint32_t kFamily = NLMSG_HDRLEN + offsetof(ifinfomsg, ifi_family);
  constexpr std::uint32_t kIndex = NLMSG_HDRLEN + offsetof(ifinfomsg, ifi_index);
  constexpr std::uint16_t kIsEqual = BPF_JMP | BPF_JEQ | BPF_K;
  return std::array<sock_filter, 8>{{
      {.code = BPF_LD | BPF_H | BPF_ABS, .jt = 0, .jf = 0, .k = offsetof(nlmsghdr, nlmsg_type)},
      {.code = kIsEqual, .jt = 0, .jf = 5, .k = htons(RTM_DELLINK)},
      {.code = BPF_LD | BPF_B | BPF_ABS, .jt = 0, .jf = 0, .k = kFamily},
      {.code = kIsEqual, .jt = 0, .jf = 3, .k = AF_UNSPEC},
      {.code = BPF_LD | BPF_W | BPF_ABS, .jt = 0, .jf = 0, .k = kIndex},
      {.code = kIsEqual, .jt = 0, .jf = 1, .k = htonl(static_cast<std::uint32_t>(ifindex.value))},
      {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = UINT32_MAX},
      {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0},
  }};
}

/// The same, held by no path: an open file of a mount keeps that busy, and is known to others by
/// its path, be that gone, and not as a namespace.
Netns hold(const Netns& netns) {
  std::optional<Netns> held;
  run_in_netns(netns, [&] { held = Netns::current(); });
  return *std::move(held);
}

UniqueFd listen_in(const Netns& netns, IfIndex ifindex) {
  UniqueFd fd;
  run_in_netns(netns, [&] {
    fd =
        UniqueFd{check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE),
                       "listen in", netns.name())};
  });
  auto code = only_the_end_of(ifindex);
  const sock_fprog program{.len = code.size(), .filter = code.data()};
  check(::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), "listen in",
        netns.name());
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  check(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "listen in",
        netns.name());
  return fd;
}

/// The next message of the kernel's; nothing when there is none, or too many others stand before
/// it.
std::optional<std::string> next_message(int fd) {
  for (int i = 0; i < kForeignMessagesMax; ++i) {
    // With hundreds of altnames it has any size.
    const ssize_t size = retry([&] { return ::recv(fd, nullptr, 0, MSG_PEEK | MSG_TRUNC); });
    if (size == -1 && errno == ENOBUFS) continue;
    if (size == -1) return std::nullopt;
    std::string bytes(static_cast<std::size_t>(size), '\0');
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const ssize_t got = retry([&] {
      return ::recvfrom(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&sender),
                        &sender_size);
    });
    // Whoever is root there can write to us, too.
    if (got == size && sender.nl_pid == 0) return bytes;
  }
  return std::nullopt;
}

std::optional<Netns> find_by_nsid(const Netns& from, std::uint32_t nsid) {
  Site site(from.duplicate());
  return find_held_netns([&](const Netns& netns) { return nsid_of(site, netns) == nsid; });
}
}  // namespace

Follower::Follower(const StateDirectory& state, const Ledger& ledger) noexcept
    : state_(state), ledger_name_(ledger.name), home_(ledger.home) {
  Failures ignored;  // What isn't followed is found by its mark.
  attempt(ignored, [&] {
    const auto borrower = open_borrower(state, ledger);
    if (!borrower) return;
    for (const auto& loan : ledger.loans) {
      if (!loan.home || !loan.inside_ifindex) continue;
      Device device{.mark = loan.mark(),
                    .identity = identify_device(loan.home->link),
                    .netns = hold(borrower->netns),
                    .ifindex = *loan.inside_ifindex,
                    .moves = {}};
      if (is_physical(device.identity)) continue;
      device.moves = listen_in(device.netns, device.ifindex);
      devices_.push_back(std::move(device));
    }
  });
}

std::vector<int> Follower::fds() const {
  std::vector<int> fds;
  for (const auto& device : devices_) fds.push_back(device.moves.get());
  return fds;
}

void Follower::follow() noexcept {
  std::erase_if(devices_, [&](Device& device) {
    bool is_followed = false;
    Failures ignored;
    attempt(ignored, [&] { is_followed = keep_up(device); });
    return !is_followed;
  });
}

void Follower::mark() const noexcept {
  for (const auto& device : devices_) {
    Failures ignored;  // It may be found without.
    if (device.was_moved_on) attempt(ignored, [&] { device.mark_it(); });
  }
}

std::optional<Follower::Move> Follower::next_move(const Device& device) {
  while (const auto message = next_message(device.moves.get())) {
    constexpr std::size_t kHeaders = NLMSG_SPACE(sizeof(ifinfomsg));
    if (message->size() < kHeaders) continue;
    const Attributes attributes(std::string_view(*message).substr(kHeaders));
    const auto nsid = attributes.u32(IFLA_NEW_NETNSID);
    const auto ifindex = attributes.u32(IFLA_NEW_IFINDEX);
    // Without, it was deleted, which leaves nothing to follow.
    if (nsid && ifindex) return Move{.nsid = *nsid, .ifindex = IfIndex{static_cast<int>(*ifindex)}};
  }
  return std::nullopt;
}

/// False where the track ends.
bool Follower::keep_up(Device& device) const {
  while (const auto move = next_move(device)) {
    if (!is_away(device)) return false;
    auto netns = find_by_nsid(device.netns, move->nsid);
    if (!netns || netns->identity() == home_) return false;
    // First to listen, so that a next move isn't missed.
    UniqueFd moves = listen_in(*netns, move->ifindex);
    device.netns = hold(*netns);
    device.ifindex = move->ifindex;
    device.moves = std::move(moves);
    device.was_moved_on = true;
    device.mark_it();
  }
  return true;
}

/// And not being brought home by somebody.
bool Follower::is_away(const Device& device) const {
  const auto ledger = load_ledger(state_, ledger_name_);
  if (!ledger) return false;
  return std::any_of(ledger->loans.begin(), ledger->loans.end(), [&](const Loan& loan) {
    return loan.mark() == device.mark && loan.stage != Stage::returning;
  });
}

void Follower::Device::mark_it() const {
  Site site(netns.duplicate());
  const auto link = find_link(site.socket, ifindex);
  if (!link || !could_be(identity, *link)) return;  // It has moved on, which we are told of.
  const auto bearer = find_link(site.socket, mark);
  if (bearer && bearer->ifindex == ifindex) return;
  if (bearer) {
    // A device of the borrower's own.
    site.socket.call(remove_altname(bearer->ifindex, mark, "take off a forged mark"));
  }
  site.socket.call(add_altname(ifindex, mark, "mark a device again"));
}

}  // namespace netlend
