#include "privilege/seccomp.hpp"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <functional>

#include "base/syscall.hpp"
#include "privilege/capabilities.hpp"

namespace {
/// The exit code of a child under these filters, or 128 + the signal that killed it.
int under(const std::vector<netlend::SeccompProgram>& programs, const std::function<int()>& work) {
  const pid_t child = netlend::check(::fork(), "fork", "a test");
  if (child == 0) {
    netlend::set_no_new_privileges();
    for (const auto& program : programs) netlend::install_seccomp(program);
    ::_exit(work());
  }
  int status = 0;
  netlend::check(::waitpid(child, &status, 0), "wait for", "a test");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int under_the_filters(const std::function<int()>& work) {
  return under(netlend::default_seccomp_programs(), work);
}

/// The errno of a call that fails, 0 of one that doesn't.
int errno_of(long result) { return result == -1 ? errno : 0; }

template <typename... Arguments>
int errno_of_call(long number, Arguments... arguments) {
  return under_the_filters([&] { return errno_of(::syscall(number, arguments...)); });
}
}  // namespace

BOOST_AUTO_TEST_SUITE(seccomp)

BOOST_AUTO_TEST_CASE(namespaces_and_mounts_are_refused) {
  BOOST_TEST(errno_of_call(SYS_unshare, CLONE_NEWUSER) == EPERM);
  BOOST_TEST(errno_of_call(SYS_unshare, CLONE_FS) == EPERM);
  BOOST_TEST(errno_of_call(SYS_setns, 0, 0) == EPERM);
  BOOST_TEST(errno_of_call(SYS_mount, "tmpfs", "/mnt", "tmpfs", 0, nullptr) == EPERM);
  BOOST_TEST(errno_of_call(SYS_umount2, "/proc", MNT_DETACH) == EPERM);
  BOOST_TEST(errno_of_call(SYS_pivot_root, "/", "/") == EPERM);
  BOOST_TEST(errno_of_call(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE) == EPERM);
  BOOST_TEST(errno_of_call(SYS_fsopen, "proc", 0) == EPERM);
}

BOOST_AUTO_TEST_CASE(clone_makes_processes_but_no_namespaces) {
  for (const auto flag : {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID}) {
    BOOST_TEST(errno_of_call(SYS_clone, static_cast<unsigned long>(flag) | SIGCHLD, nullptr,
                             nullptr, nullptr, 0) == EPERM);
  }
  BOOST_TEST(under_the_filters([] {
               const pid_t child = ::fork();
               if (child == 0) ::_exit(7);
               int status = 0;
               ::waitpid(child, &status, 0);
               return WEXITSTATUS(status);
             }) == 7);
}

BOOST_AUTO_TEST_CASE(under_the_filter_for_lent_addresses_no_network_namespace_is_made_or_entered) {
  const auto errno_under_it = [](long number, auto... arguments) {
    return under({netlend::no_network_namespaces_program()},
                 [&] { return errno_of(::syscall(number, arguments...)); });
  };
  for (const int netns : {CLONE_NEWNET, CLONE_NEWNET | CLONE_NEWUSER}) {
    const auto flags = static_cast<unsigned long>(netns);
    BOOST_TEST(errno_under_it(SYS_unshare, flags) == EPERM);
    BOOST_TEST(errno_under_it(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, 0) == EPERM);
  }
  BOOST_TEST(errno_under_it(SYS_setns, 0, 0) == EPERM);
  BOOST_TEST(errno_under_it(SYS_clone3, nullptr, 0) == ENOSYS);
  BOOST_TEST(errno_under_it(SYS_unshare, CLONE_FS) == 0);
}

BOOST_AUTO_TEST_CASE(clone3_looks_missing_so_that_libc_falls_back_to_clone) {
  BOOST_TEST(errno_of_call(SYS_clone3, nullptr, 0) == ENOSYS);
}

BOOST_AUTO_TEST_CASE(typing_on_a_terminal_is_refused_also_with_high_bits_set) {
  constexpr unsigned long kHighBit = 1UL << 32;
  BOOST_TEST(errno_of_call(SYS_ioctl, 0, TIOCSTI, "x") == EPERM);
  BOOST_TEST(errno_of_call(SYS_ioctl, 0, TIOCSTI | kHighBit, "x") == EPERM);
  BOOST_TEST(errno_of_call(SYS_ioctl, 0, TIOCLINUX, "x") == EPERM);
  BOOST_TEST(errno_of_call(SYS_ioctl, -1, TIOCGWINSZ, nullptr) == EBADF);
}

BOOST_AUTO_TEST_CASE(doors_to_the_kernel_are_refused) {
  for (const auto call :
       {SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key,
        SYS_io_uring_setup, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
        SYS_kexec_file_load, SYS_open_by_handle_at, SYS_quotactl, SYS_reboot, SYS_swapon,
        SYS_syslog, SYS_settimeofday}) {
    BOOST_TEST_CONTEXT("system call " << call) {
      BOOST_TEST(errno_of_call(call, 0, 0, 0) == EPERM);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_call_that_the_list_does_not_know_looks_missing) {
  constexpr long kNobodysCall = 0x3ff0;
  BOOST_TEST(errno_of_call(kNobodysCall) == ENOSYS);
}

BOOST_AUTO_TEST_CASE(sockets_work_but_not_those_that_network_namespaces_do_not_contain) {
  BOOST_TEST(errno_of_call(SYS_socket, AF_INET, SOCK_DGRAM, 0) == 0);
  BOOST_TEST(errno_of_call(SYS_socket, AF_NETLINK, SOCK_RAW, 0) == 0);
  BOOST_TEST(errno_of_call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0) == EPERM);
}

BOOST_AUTO_TEST_CASE(address_randomisation_can_not_be_switched_off) {
  BOOST_TEST(errno_of_call(SYS_personality, ADDR_NO_RANDOMIZE) == ENOSYS);
  BOOST_TEST(errno_of_call(SYS_personality, 0xffffffff) == 0);
}

#if defined(__x86_64__)
BOOST_AUTO_TEST_CASE(a_call_by_the_32_bit_gate_or_of_x32_kills) {
  constexpr int kKilled = 128 + SIGSYS;
  BOOST_TEST(under_the_filters([] {
               int result = 20;  // getpid of i386
               asm volatile("int $0x80" : "+a"(result) : : "memory");
               return 0;
             }) == kKilled);
  constexpr long kX32Bit = 0x40000000;
  BOOST_TEST(errno_of_call(kX32Bit | SYS_getpid) == kKilled);
}
#endif

BOOST_AUTO_TEST_CASE(a_shell_with_a_pipe_works) {
  BOOST_TEST(under_the_filters([] {
               ::execl("/bin/sh", "sh", "-c", "test \"$(echo a | tr a b)\" = b", nullptr);
               return 127;
             }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
