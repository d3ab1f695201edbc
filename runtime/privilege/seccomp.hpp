#pragma once

#include <linux/filter.h>

#include <vector>

namespace netlend {

/// A seccomp filter as the kernel takes it. Plain data, so that it is built before the fork and the
/// child needs one system call, and no library, to install it.
using SeccompProgram = std::vector<sock_filter>;

/// The filters of a command without a bundle, to be installed in this order; the kernel obeys the
/// strictest answer of all.
///  1. An allow-list, podman's default less what a container needs only to make containers: mounts,
///     namespaces, keys, bpf, perf, modules, io_uring, reboot. Well-known dangerous calls answer
///     EPERM, all others ENOSYS, so that programs fall back from calls that are newer than the
///     list.
///  2. Arguments that must not be: TIOCSTI and TIOCLINUX (typing on somebody's terminal,
///     CVE-2017-5226, CVE-2023-1523), clone with CLONE_NEW*, and AF_VSOCK, which network namespaces
///     don't contain. Compared as the 32 bits that the kernel looks at (CVE-2019-10063). A filter
///     of its own, because libseccomp can't say "anything but" for a masked argument.
/// A call by a foreign ABI (i386 or x32 on x86-64) kills the process.
/// Throws Error if libseccomp can't build them.
std::vector<SeccompProgram> default_seccomp_programs();

/// For a container whose config isn't ours and that is lent addresses: it makes no network
/// namespace and enters no namespace (EPERM), clone3 looks missing (ENOSYS), since its flags are in
/// memory, where a filter can't look, and a call by a foreign ABI kills the process. Throws Error
/// as default_seccomp_programs().
SeccompProgram no_network_namespaces_program();

/// Filters all later system calls of this thread and of what it will execute or fork. Needs
/// no_new_privs (or CAP_SYS_ADMIN). Source: seccomp(2), SECCOMP_SET_MODE_FILTER.
void install_seccomp(const SeccompProgram& program);

}  // namespace netlend
