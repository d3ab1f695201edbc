#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace netlend {

/// What a command without a bundle keeps: podman's default set without CAP_DAC_OVERRIDE, since the
/// files it sees are the host's, and without CAP_SETFCAP, which means nothing under no_new_privs;
/// and with CAP_NET_RAW, since who is lent a device is meant to ping through it. No CAP_NET_ADMIN:
/// what the device is inside is the plan's business. No CAP_MKNOD: a device node is a way to the
/// host.
inline constexpr std::array kDefaultCapabilities{
    CAP_CHOWN,   CAP_FOWNER, CAP_FSETID, CAP_KILL,    CAP_NET_BIND_SERVICE,
    CAP_NET_RAW, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_CHROOT,
};

/// What lending and giving back need: devices and addresses; announcing them; namespaces and pins;
/// /proc/PID/ns of other users' processes. State is root's, and so needs none.
inline constexpr std::array kLendingCapabilities{
    CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SYS_PTRACE,
};

/// Limits this thread and all it will execute to `keep`, as far as it has them: bounding, permitted
/// and effective sets; inheritable and ambient become empty (CVE-2022-24769). Needs CAP_SETPCAP.
/// Source: capabilities(7).
void limit_capabilities(std::span<const int> keep);

/// The sets of a process. Bit N stands for capability N of <linux/capability.h>.
struct CapabilitySets {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t ambient = 0;
};

/// Who a process is.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  /// All supplementary groups.
  std::vector<gid_t> groups;
};

/// Makes this thread somebody else, with exactly these capabilities, less those that it hasn't got
/// to give. Needs CAP_SETUID, CAP_SETGID and CAP_SETPCAP. Source: capabilities(7), "Effect of user
/// ID changes on capabilities".
void become(const Identity& identity, const CapabilitySets& capabilities);

/// All that this thread may use, as bits.
std::uint64_t permitted_capabilities();

/// "CAP_NET_RAW".
std::string capability_name(int capability);

/// No execve(2) from here on gives more than the process has. Source: PR_SET_NO_NEW_PRIVS,
/// prctl(2).
void set_no_new_privileges();

}  // namespace netlend
