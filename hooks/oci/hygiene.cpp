#include "oci-hook/hygiene.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr mode_t kPrivateUmask = 077;
constexpr std::size_t kUidMapMax = 4096;

void open_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1) continue;
    // The lowest free number, and so `fd`. Not O_CLOEXEC, as standard descriptors are not.
    check(::open("/dev/null", O_RDWR), "open", "/dev/null");  // NOLINT(android-cloexec-open)
  }
}

extern "C" void end_at_deadline(int) {
  constexpr std::string_view kLine =
      "netlend-hook: not done at its deadline; 'netlend reap' brings home what it had moved\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  ::_exit(1);
}

bool is_initial_user_namespace() {
  const auto map = read_file(AT_FDCWD, "/proc/self/uid_map", kUidMapMax);
  const auto words = split_words(map, " \n");
  return words == std::vector<std::string_view>{"0", "0", "4294967295"};
}
}  // namespace

void forget_caller() {
  if (::getauxval(AT_SECURE) != 0) {
    throw Error("it has more privilege than its caller; take off its setuid bit or capabilities");
  }
  ::clearenv();
  ::umask(kPrivateUmask);
  open_standard_descriptors();
  check(static_cast<int>(::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0)), "close",
        "descriptors");
  reset_signals();
  // A reader of our stderr that went away is no reason to stop half way.
  static_cast<void>(::signal(SIGPIPE, SIG_IGN));
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  check(::setrlimit(RLIMIT_CORE, &no_core), "forbid", "core dumps");
  check(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "forbid", "tracing");
  check(::chdir("/"), "enter", "/");
}

void set_deadline(unsigned seconds) {
  struct sigaction action {};
  action.sa_handler = end_at_deadline;
  check(::sigaction(SIGALRM, &action, nullptr), "set", "the deadline");
  ::alarm(seconds);
}

bool can_administer_network() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  check(static_cast<int>(::syscall(SYS_capget, &header, data.data())), "read", "capabilities");
  const bool has_capability =
      (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
  return has_capability && is_initial_user_namespace();
}

}  // namespace netlend
