#include "net/kernel/netns.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstdlib>
#include <utility>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
[[noreturn]] void throw_not_a_netns(const std::string& path) {
  throw Error(fmt::format(
      "'{}' is not a network namespace that can be opened; name one of /run/netns or a path like "
      "/proc/PID/ns/net",
      printable(path)));
}

UniqueFd open_own_netns() {
  return UniqueFd{check(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC),
                        "open our own network namespace", "/proc/thread-self/ns/net")};
}

bool is_netns(int fd) {
  struct statfs fs {};
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC &&
         ::ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

std::uint64_t cookie_of_current() {
  UniqueFd probe{check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open", "a socket")};
  std::uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  check(::getsockopt(probe.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length),
        "read the cookie of", "a network namespace (Linux 5.14 or later)");
  return cookie;
}

/// Enters a namespace for its lifetime.
class InNetns {
 public:
  explicit InNetns(int netns_fd, const std::string& name) : home_(open_own_netns()) {
    check(::setns(netns_fd, CLONE_NEWNET), "enter network namespace", name);
  }
  InNetns(const InNetns&) = delete;
  InNetns& operator=(const InNetns&) = delete;
  InNetns(InNetns&&) = delete;
  InNetns& operator=(InNetns&&) = delete;
  ~InNetns() {
    const int saved = errno;
    if (::setns(home_.get(), CLONE_NEWNET) == -1) std::abort();
    errno = saved;
  }

 private:
  UniqueFd home_;
};
}  // namespace

Netns::Netns(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {
  if (!is_netns(fd_.get())) throw_not_a_netns(name_);
  struct stat status {};
  check(::fstat(fd_.get(), &status), "stat", name_);
  const InNetns inside(fd_.get(), name_);
  identity_ = {.device = status.st_dev, .inode = status.st_ino, .cookie = cookie_of_current()};
}

Netns::Netns(UniqueFd fd, std::string name, const NetnsIdentity& identity)
    : fd_(std::move(fd)), name_(std::move(name)), identity_(identity) {}

Netns Netns::duplicate() const {
  return Netns(UniqueFd{check(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0), "duplicate", name_)}, name_,
               identity_);
}

Netns Netns::current() { return Netns(open_own_netns(), "our own network namespace"); }

Netns Netns::open(const std::string& path) {
  // O_PATH doesn't wait for a FIFO's writer and has no effect on a device.
  const UniqueFd probe{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  struct statfs fs {};
  if (!probe.is_open() || ::fstatfs(probe.get(), &fs) == -1 || fs.f_type != NSFS_MAGIC) {
    throw_not_a_netns(path);
  }
  const std::string reopened = fmt::format("/proc/self/fd/{}", probe.get());
  UniqueFd fd{::open(reopened.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.is_open()) throw_not_a_netns(path);
  return Netns(std::move(fd), path);
}

Netns Netns::of_process(pid_t pid) {
  const UniqueFd pidfd = open_pidfd(pid);
  const std::string path = fmt::format("/proc/{}/ns/net", pid);
  UniqueFd fd{check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open network namespace", path)};
  // Alive now, so the pid was its own when the path was opened.
  if (!is_alive(pidfd.get())) throw_errno(ESRCH, "open the network namespace of", path);
  return Netns(std::move(fd), fmt::format("process {}", pid));
}

Netns Netns::create() {
  // Enters its own namespace only to come back out of the one that unshare puts it in.
  const UniqueFd own = open_own_netns();
  const InNetns back(own.get(), "our own");
  check(::unshare(CLONE_NEWNET), "make", "a network namespace");
  return Netns(open_own_netns(), "a new network namespace");
}

void run_in_netns(const Netns& netns, const std::function<void()>& work) {
  const InNetns inside(netns.fd(), netns.name());
  work();
}

}  // namespace netlend
