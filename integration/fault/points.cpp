#include "fault/points.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/magic.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include "base/syscall.hpp"
#include "base/unique_fd.hpp"

namespace netlend::test {

namespace {
// A call that isn't in here is a point, be it ever so harmless.
constexpr std::array<std::uint64_t, 62> kEndWithTheirCaller{SYS_read,          SYS_pread64,
                                                            SYS_close,         SYS_fstat,
                                                            SYS_newfstatat,    SYS_lseek,
                                                            SYS_mmap,          SYS_munmap,
                                                            SYS_mremap,        SYS_mprotect,
                                                            SYS_madvise,       SYS_brk,
                                                            SYS_rt_sigaction,  SYS_rt_sigprocmask,
                                                            SYS_access,        SYS_faccessat,
                                                            SYS_faccessat2,    SYS_socket,
                                                            SYS_setsockopt,    SYS_getsockopt,
                                                            SYS_bind,          SYS_getsockname,
                                                            SYS_recvfrom,      SYS_recvmsg,
                                                            SYS_clock_gettime, SYS_clock_nanosleep,
                                                            SYS_nanosleep,     SYS_getpid,
                                                            SYS_gettid,        SYS_geteuid,
                                                            SYS_getuid,        SYS_getrandom,
                                                            SYS_fcntl,         SYS_flock,
                                                            SYS_dup,           SYS_dup3,
                                                            SYS_stat,          SYS_lstat,
                                                            SYS_statfs,        SYS_fstatfs,
                                                            SYS_statx,         SYS_readlink,
                                                            SYS_readlinkat,    SYS_getdents64,
                                                            SYS_poll,          SYS_ppoll,
                                                            SYS_setns,         SYS_unshare,
                                                            SYS_chdir,         SYS_fchdir,
                                                            SYS_chroot,        SYS_open_tree,
                                                            SYS_pidfd_open,    SYS_futex,
                                                            SYS_exit_group,    SYS_uname,
                                                            SYS_time,          SYS_gettimeofday,
                                                            SYS_prctl,         SYS_sched_yield,
                                                            SYS_umask,         SYS_times};

bool makes_a_file(const Call& call) {
  constexpr std::uint64_t kMaking = O_CREAT | O_TRUNC;
  const bool is_openat = call.number == SYS_openat;
  if (!is_openat && call.number != SYS_open) return false;
  const std::uint64_t flags = call.arguments[is_openat ? 2 : 1];
  return (flags & kMaking) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

template <typename Value>
Value read_value(const Call& call, std::uint64_t address) {
  Value value{};
  const auto bytes = read_memory(call.pid, address, sizeof value);
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

/// What a device of the kernel's keeps. Source: netdevice(7), linux/ethtool.h.
bool sets_a_device(const Call& call) {
  constexpr std::array<std::uint32_t, 5> kSetting{ETHTOOL_SRSSH, ETHTOOL_SRXFH, ETHTOOL_SRXCLSRLINS,
                                                  ETHTOOL_SRXCLSRLDEL, ETHTOOL_STUNABLE};
  if (call.arguments[1] == SIOCADDMULTI || call.arguments[1] == SIOCDELMULTI) return true;
  if (call.arguments[1] != SIOCETHTOOL) return false;
  const auto request = read_value<ifreq>(call, call.arguments[2]);
  const auto command =
      read_value<std::uint32_t>(call, reinterpret_cast<std::uintptr_t>(request.ifr_data));
  return std::find(kSetting.begin(), kSetting.end(), command) != kSetting.end();
}

nlmsghdr header_of(const Call& call) { return read_value<nlmsghdr>(call, call.arguments[1]); }

/// Of the socket, which a message doesn't say: each protocol has types of its own.
int netlink_protocol(const Call& call) {
  const UniqueFd process{static_cast<int>(
      check(::syscall(SYS_pidfd_open, call.pid, 0), "open a pidfd of", "the child"))};
  const UniqueFd socket{
      static_cast<int>(check(::syscall(SYS_pidfd_getfd, process.get(), call.arguments[0], 0),
                             "take a socket of", "the child"))};
  int protocol = 0;
  socklen_t size = sizeof protocol;
  check(::getsockopt(socket.get(), SOL_SOCKET, SO_PROTOCOL, &protocol, &size), "ask for",
        "the protocol of a socket");
  return protocol;
}

/// To ethtool: what only asks says of which device, and no more.
bool is_generic_change(const Call& call, const nlmsghdr& header) {
  if (header.nlmsg_type == GENL_ID_CTRL) return false;
  const auto first = read_value<nlattr>(call, call.arguments[1] + NLMSG_HDRLEN + GENL_HDRLEN);
  return header.nlmsg_len > NLMSG_HDRLEN + GENL_HDRLEN + NLA_ALIGN(first.nla_len);
}

std::string path_of(const Call& call, std::uint64_t fd) {
  std::error_code failed;
  return std::filesystem::read_symlink(
             fmt::format("/proc/{}/fd/{}", call.pid, static_cast<int>(fd)), failed)
      .string();
}
}  // namespace

bool is_netlink_request(const Call& call) {
  if (call.number != SYS_sendto || call.arguments[5] != sizeof(sockaddr_nl)) return false;
  return read_value<sa_family_t>(call, call.arguments[4]) == AF_NETLINK;
}

bool is_netlink_dump(const Call& call) {
  return is_netlink_request(call) && (header_of(call).nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP &&
         !is_netlink_change(call);
}

bool is_netlink_change(const Call& call) {
  if (!is_netlink_request(call)) return false;
  const nlmsghdr header = header_of(call);
  switch (netlink_protocol(call)) {
    case NETLINK_GENERIC:
      return is_generic_change(call, header);
    case NETLINK_NETFILTER:
      return header.nlmsg_type == NFNL_MSG_BATCH_BEGIN;
    default:
      // Of each four message types, the third asks. Source: linux/rtnetlink.h.
      constexpr int kKinds = 4;
      constexpr int kAsking = 2;
      return header.nlmsg_type % kKinds != kAsking;
  }
}

bool outlives_its_caller(const Call& call) {
  if (call.number == SYS_openat || call.number == SYS_open) return makes_a_file(call);
  if (is_netlink_request(call)) return is_netlink_change(call);
  if (call.number == SYS_ioctl) return sets_a_device(call);
  return std::find(kEndWithTheirCaller.begin(), kEndWithTheirCaller.end(), call.number) ==
         kEndWithTheirCaller.end();
}

IsPoint netlink_requests() {
  struct Seen {
    pid_t pid = 0;
    std::set<std::string> asked;
  };
  return [seen = std::make_shared<Seen>()](const Call& call) {
    if (!is_netlink_request(call)) return false;
    if (call.pid != seen->pid) *seen = {.pid = call.pid, .asked = {}};
    if (is_netlink_change(call)) {
      seen->asked.clear();
      return true;
    }
    std::string request = read_memory(call.pid, call.arguments[1], call.arguments[2]);
    // Each has a number of its own.
    request.replace(offsetof(nlmsghdr, nlmsg_seq), sizeof(nlmsghdr::nlmsg_seq), "");
    return seen->asked.insert(std::move(request)).second;
  };
}

bool is_setting(const Call& call) {
  if (call.number == SYS_ioctl) return sets_a_device(call);
  if (call.number != SYS_write) return false;
  struct statfs system {};
  const std::string file =
      fmt::format("/proc/{}/fd/{}", call.pid, static_cast<int>(call.arguments[0]));
  return ::statfs(file.c_str(), &system) == 0 &&
         (system.f_type == SYSFS_MAGIC || system.f_type == PROC_SUPER_MAGIC);
}

IsPoint writes_below(const std::string& folder) {
  return [folder](const Call& call) {
    const auto is_below = [&](std::uint64_t fd) { return path_of(call, fd).starts_with(folder); };
    switch (call.number) {
      case SYS_openat:
        return makes_a_file(call) &&
               (is_below(call.arguments[0]) ||
                read_memory(call.pid, call.arguments[1], folder.size()) == folder);
      case SYS_write:
      case SYS_fsync:
      case SYS_fchmod:
      case SYS_renameat:
        return is_below(call.arguments[0]);
      case SYS_linkat:
        return is_below(call.arguments[2]);
      default:
        return false;
    }
  };
}

}  // namespace netlend::test
