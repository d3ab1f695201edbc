#include "guardian/seclusion.hpp"

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "guardian/cgroup.hpp"
#include "guardian/watch.hpp"
#include "net/home_holders.hpp"
#include "net/ledger/pin.hpp"
#include "net/ledger/state_directory.hpp"
#include "privilege/capabilities.hpp"

namespace netlend {

namespace {
void close_range(unsigned first, unsigned last) {
  if (first > last) return;
  check(static_cast<int>(::syscall(SYS_close_range, first, last, 0)), "close", "descriptors");
}

void close_descriptors_except(std::vector<int> keep) {
  std::erase(keep, -1);
  std::sort(keep.begin(), keep.end());
  const UniqueFd null{check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open", "/dev/null")};
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    check(::dup2(null.get(), fd), "replace", "a standard descriptor");
  }
  unsigned next = STDERR_FILENO + 1;
  for (const int fd : keep) {
    close_range(next, static_cast<unsigned>(fd) - 1);
    next = static_cast<unsigned>(fd) + 1;
  }
  close_range(next, ~0U);
}

/// At the end of a shutdown systemd's PID 1 becomes systemd-shutdown, asks all that is left to end,
/// and waits for it up to 90 s. By then there is no home to bring anything to.
extern "C" void end_with_the_machine(int, siginfo_t* sender, void*) {
  constexpr std::string_view kShutdown = "systemd-shutdow";  // as long as a name may be
  if (sender->si_pid != 1) return;
  const int saved = errno;
  std::array<char, kShutdown.size()> name{};
  const int file = ::open("/proc/1/comm", O_RDONLY | O_CLOEXEC);
  const ssize_t size = ::read(file, name.data(), name.size());
  ::close(file);
  if (size > 0 && std::string_view(name.data(), static_cast<std::size_t>(size)) == kShutdown) {
    ::_exit(0);
  }
  errno = saved;
}

void ignore_signals() {
  reset_signals();
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE}) {
    static_cast<void>(::signal(signal, SIG_IGN));
  }
  struct sigaction action {};
  action.sa_sigaction = end_with_the_machine;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  check(::sigaction(SIGTERM, &action, nullptr), "set", "the action for SIGTERM");
}

/// An engine can have a mount namespace of its own, which would live, with its mounts, for as long
/// as we are in it.
void leave_mount_namespace(const Watch& watch) {
  // The path that names a borrower means what it meant to the lender.
  if (!watch.netns_path.empty()) return;
  enter_pin_mount_namespace(StateDirectory(watch.state_path));
}
}  // namespace

void seclude(const std::vector<int>& keep, const Watch& watch) {
  close_descriptors_except(keep);
  ignore_signals();
  check(::setsid(), "make", "a session");
  check(::prctl(PR_SET_NAME, kGuardianName, 0, 0, 0), "name", "the guardian");
  leave_cgroups();
  leave_mount_namespace(watch);
  check(::chdir("/"), "enter", "/");
  limit_capabilities(kLendingCapabilities);
  set_no_new_privileges();
}

namespace {
/// Pages of our own file, which come back when they are run again.
int release_file_pages(dl_phdr_info* object, std::size_t, void*) noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // The loader says where a segment is by a number. NOLINTNEXTLINE(performance-no-int-to-ptr)
    static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED));
  }
  return 0;
}

/// What deeper calls have left below us. The kernel keeps that much below a stack free of all else:
/// stack_guard_gap, Documentation/admin-guide/kernel-parameters.txt.
void release_stack() noexcept {
  constexpr std::uintptr_t kDepth = std::uintptr_t{512} * 1024;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // A page is left to the call itself.
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::uintptr_t end = (here - page) & ~(page - 1);
  // ENOMEM says that the stack doesn't reach as far down. NOLINTNEXTLINE(performance-no-int-to-ptr)
  static_cast<void>(::madvise(reinterpret_cast<void*>(end - kDepth), kDepth, MADV_DONTNEED));
}
}  // namespace

void release_memory() noexcept {
  ::malloc_trim(0);
  release_stack();
  ::dl_iterate_phdr(release_file_pages, nullptr);
}

}  // namespace netlend
