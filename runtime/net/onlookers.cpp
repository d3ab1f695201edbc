#include "net/onlookers.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr const char* kUdevFolder = "/run/udev";
/// There while udev runs.
constexpr const char* kUdevControl = "/run/udev/control";
/// There while udev has events to deal with.
constexpr const char* kUdevQueue = "/run/udev/queue";
constexpr std::size_t kEventsMax = 65536;

bool is_home_of_udev(const Netns& home) {
  if (::access(kUdevControl, F_OK) != 0) return false;
  try {
    return Netns::open("/proc/1/ns/net").identity() == home.identity();
  } catch (const Error&) {
    return false;  // Not ours to see: then it isn't where we are.
  }
}

UniqueFd listen() {
  UniqueFd fd{check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE),
                    "open", "a socket for events")};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  check(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "listen for",
        "events");
  return fd;
}

/// Whether the kernel has told of a device what nobody has read yet, so that udev doesn't know that
/// it has work. Source: net/netlink/af_netlink.c, netlink_seq_show.
bool has_untold_events() {
  constexpr std::size_t kTableMaxBytes = std::size_t{1} << 20;
  constexpr std::size_t kProtocol = 1;
  constexpr std::size_t kGroups = 3;
  constexpr std::size_t kUnreadBytes = 4;
  constexpr std::string_view kFromKernel = "00000001";
  const auto table = read_file(AT_FDCWD, "/proc/1/net/netlink", kTableMaxBytes);
  const auto lines = split_words(table, "\n");
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) {
    const auto words = split_words(line, " ");
    return words.size() > kUnreadBytes &&
           words[kProtocol] == std::to_string(NETLINK_KOBJECT_UEVENT) &&
           words[kGroups] == kFromKernel && words[kUnreadBytes] != "0";
  });
}

bool is_udev_idle() { return !has_untold_events() && ::access(kUdevQueue, F_OK) != 0; }

/// Whether a datagram of events has one of these devices; ifinfomsg and ifaddrmsg have the index at
/// the same place. Source: rtnetlink(7).
bool concerns(const char* bytes, std::size_t size, const std::set<int>& ifindexes) {
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, bytes, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > size) return true;
    if (header.nlmsg_len >= NLMSG_LENGTH(sizeof(ifaddrmsg))) {
      ifaddrmsg message;
      std::memcpy(&message, bytes + NLMSG_HDRLEN, sizeof message);
      if (ifindexes.contains(static_cast<int>(message.ifa_index))) return true;
    }
    const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), size);
    bytes += step;
    size -= step;
  }
  return false;
}
}  // namespace

Onlookers::Onlookers(const Netns& home) {
  if (!is_home_of_udev(home)) return;
  run_in_netns(home, [&] { events_ = listen(); });
}

bool Onlookers::wait_for_udev(int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  const UniqueFd changes{check(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "watch", kUdevFolder)};
  check(::inotify_add_watch(changes.get(), kUdevFolder, IN_DELETE | IN_ONLYDIR), "watch",
        kUdevFolder);
  while (!is_udev_idle()) {
    const std::int64_t left_ms = deadline - monotonic_ms();
    if (left_ms <= 0) return false;
    // That it reads what it was told of is no event.
    constexpr std::int64_t kLookAgainMs = 5;
    pollfd waiting{.fd = changes.get(), .events = POLLIN, .revents = 0};
    retry([&] { return ::poll(&waiting, 1, static_cast<int>(std::min(left_ms, kLookAgainMs))); });
    std::array<char, 4096> dropped{};
    while (::read(changes.get(), dropped.data(), dropped.size()) > 0) {
    }
  }
  return true;
}

void Onlookers::forget() noexcept {
  std::array<char, 1> dropped{};
  while (::recv(events_.get(), dropped.data(), dropped.size(), MSG_TRUNC) >= 0 ||
         errno == ENOBUFS) {
  }
}

bool Onlookers::stay_away(const std::set<int>& ifindexes, int time_ms) {
  const std::int64_t deadline = monotonic_ms() + time_ms;
  std::vector<char> buffer(kEventsMax);
  for (;;) {
    const ssize_t size = ::recv(events_.get(), buffer.data(), buffer.size(), 0);
    if (size >= 0) {
      if (concerns(buffer.data(), static_cast<std::size_t>(size), ifindexes)) return false;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;  // ENOBUFS: there was more than we can know.
    const std::int64_t left_ms = deadline - monotonic_ms();
    if (left_ms <= 0) return is_udev_idle();
    pollfd waiting{.fd = events_.get(), .events = POLLIN, .revents = 0};
    retry([&] { return ::poll(&waiting, 1, static_cast<int>(left_ms)); });
  }
}

}  // namespace netlend
