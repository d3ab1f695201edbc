#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "privilege/seccomp.hpp"

namespace netlend {

namespace {
// Source: /usr/share/containers/seccomp.json of containers-common 0.50, less the calls of 32-bit
// ABIs and those of kRefused. chroot is for CAP_SYS_CHROOT; ptrace reaches no further than the
// container's own pid namespace and, since Linux 4.8, not around this filter.
constexpr std::string_view kAllowed =
    "accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir "
    "chmod chown chroot clock_adjtime clock_getres clock_gettime clock_nanosleep clone close "
    "close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 "
    "epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit "
    "exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 "
    "fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr "
    "fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake "
    "futimesat get_mempolicy get_robust_list getcpu getcwd getdents getdents64 getegid "
    "geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid "
    "getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname "
    "getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init "
    "inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup "
    "io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset "
    "landlock_restrict_self lchown lgetxattr link linkat listen listxattr llistxattr "
    "lremovexattr lseek lsetxattr lstat madvise map_shadow_stack mbind membarrier "
    "memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap "
    "mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap "
    "msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep "
    "newfstatat open openat openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 "
    "pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 "
    "process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev "
    "pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg "
    "remap_file_pages removexattr rename renameat renameat2 restart_syscall "
    "riscv_flush_icache riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask "
    "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo "
    "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr "
    "sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr "
    "sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop "
    "semtimedop sendfile sendmmsg sendmsg sendto set_mempolicy set_mempolicy_home_node "
    "set_robust_list set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid "
    "setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid "
    "setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socket "
    "socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs "
    "sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime "
    "timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask "
    "uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev";

// ENOSYS would make programs think that the kernel is too old and try something else.
constexpr std::string_view kRefused =
    "acct add_key bpf clock_settime delete_module fanotify_init fanotify_mark finit_module "
    "fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register "
    "io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie "
    "migrate_pages mount mount_setattr move_mount move_pages nfsservctl open_by_handle_at "
    "open_tree perf_event_open pivot_root process_madvise quotactl quotactl_fd reboot "
    "request_key setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 "
    "unshare userfaultfd vhangup vmsplice";

constexpr std::array<std::uint64_t, 2> kRefusedTerminalCalls{TIOCSTI, TIOCLINUX};

constexpr std::array kNamespaceFlags{CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                     CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

constexpr std::uint64_t kLow32Bits = 0xffffffff;
constexpr std::size_t kProgramMaxBytes = BPF_MAXINSNS * sizeof(sock_filter);

struct ReleaseFilter {
  void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

// libseccomp answers a negative errno and leaves errno alone.
void built(int result, std::string_view what) {
  if (result < 0) throw_errno(-result, "build the seccomp rule for", what);
}

Filter make_filter(std::uint32_t default_action) {
  Filter filter{::seccomp_init(default_action)};
  if (!filter) throw Error("build a seccomp filter: libseccomp refused its default action");
  built(::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
        "foreign ABIs");
  return filter;
}

void add_calls(const Filter& filter, std::uint32_t action, std::string_view names) {
  for (const auto word : split_words(names, " ")) {
    const std::string name(word);
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    // Unknown to this architecture (a negative pseudo number) or to this libseccomp.
    if (number < 0) continue;
    built(::seccomp_rule_add_array(filter.get(), action, number, 0, nullptr), name);
  }
}

void add_call(const Filter& filter, std::uint32_t action, const char* name,
              const scmp_arg_cmp& argument) {
  built(::seccomp_rule_add_array(filter.get(), action, ::seccomp_syscall_resolve_name(name), 1,
                                 &argument),
        name);
}

scmp_arg_cmp masked(unsigned index, std::uint64_t mask, std::uint64_t value) {
  return {.arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

SeccompProgram compile(const Filter& filter) {
  const UniqueFd memory{
      check(::memfd_create("seccomp", MFD_CLOEXEC), "make", "a memory file for the filter")};
  built(::seccomp_export_bpf(filter.get(), memory.get()), "export");
  check(::lseek(memory.get(), 0, SEEK_SET), "rewind", "the filter");
  const auto bytes = read_all(memory.get(), kProgramMaxBytes, "the filter");
  SeccompProgram program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), program.size() * sizeof(sock_filter));
  return program;
}

SeccompProgram allowed_calls() {
  const auto filter = make_filter(SCMP_ACT_ERRNO(ENOSYS));
  // 300 calls as a binary tree: 9 comparisons instead of 150.
  constexpr std::uint32_t kBinaryTree = 2;
  built(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree), "a binary tree");
  add_calls(filter, SCMP_ACT_ALLOW, kAllowed);
  add_calls(filter, SCMP_ACT_ERRNO(EPERM), kRefused);
  // The personalities that podman allows: none of them switches a protection off.
  for (const std::uint64_t persona :
       {std::uint64_t{PER_LINUX}, std::uint64_t{PER_LINUX32}, std::uint64_t{UNAME26},
        std::uint64_t{UNAME26} | PER_LINUX32, kLow32Bits}) {
    add_call(filter, SCMP_ACT_ALLOW, "personality",
             {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = persona, .datum_b = 0});
  }
  return compile(filter);
}

SeccompProgram refused_arguments() {
  const auto filter = make_filter(SCMP_ACT_ALLOW);
  constexpr std::uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);
  for (const std::uint64_t request : kRefusedTerminalCalls) {
    add_call(filter, kRefuse, "ioctl", masked(1, kLow32Bits, request));
  }
  for (const auto flag : kNamespaceFlags) {
    const auto bits = static_cast<std::uint64_t>(flag);
    add_call(filter, kRefuse, "clone", masked(0, bits, bits));
  }
  add_call(filter, kRefuse, "socket", masked(0, kLow32Bits, AF_VSOCK));
  return compile(filter);
}
}  // namespace

SeccompProgram no_network_namespaces_program() {
  const auto filter = make_filter(SCMP_ACT_ALLOW);
  constexpr std::uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);
  constexpr std::uint64_t kNewNetns{CLONE_NEWNET};
  add_call(filter, kRefuse, "clone", masked(0, kNewNetns, kNewNetns));
  add_call(filter, kRefuse, "unshare", masked(0, kNewNetns, kNewNetns));
  add_calls(filter, kRefuse, "setns");
  add_calls(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3");
  return compile(filter);
}

std::vector<SeccompProgram> default_seccomp_programs() {
  return {allowed_calls(), refused_arguments()};
}

}  // namespace netlend
