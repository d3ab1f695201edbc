#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "base/unique_fd.hpp"

namespace netlend {

/// Which network namespace: the inode can be given to a later one, the cookie never is.
/// Source: SO_NETNS_COOKIE, socket(7); nsfs.
struct NetnsIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t cookie = 0;
  bool operator==(const NetnsIdentity&) const = default;
};

/// An open network namespace.
class Netns {
 public:
  /// Our own, of this thread.
  static Netns current();
  /// What `path` shows. Opens it only after it is known to be a network namespace: a FIFO can't
  /// hang us. Throws Error, the same for every cause that could reveal a hidden file.
  static Netns open(const std::string& path);
  /// That of a process: pidfd first, then the namespace, then the process is seen to be alive
  /// still. Throws Error (ESRCH: it ended).
  static Netns of_process(pid_t pid);
  /// A new, empty one; the caller stays where it is.
  static Netns create();
  /// Takes over an fd. Throws Error unless it is a network namespace.
  explicit Netns(UniqueFd fd, std::string name);

  /// Another descriptor of the same namespace.
  Netns duplicate() const;

  int fd() const noexcept { return fd_.get(); }
  const NetnsIdentity& identity() const noexcept { return identity_; }
  /// For messages: "/run/netns/blue", "process 42".
  const std::string& name() const noexcept { return name_; }

 private:
  Netns(UniqueFd fd, std::string name, const NetnsIdentity& identity);

  UniqueFd fd_;
  std::string name_;
  NetnsIdentity identity_;
};

/// Runs `work` in the namespace and comes back; failing to come back ends the process (abort),
/// since whatever ran next would run in the wrong place. Needs CAP_SYS_ADMIN. Source: setns(2).
void run_in_netns(const Netns& netns, const std::function<void()>& work);

}  // namespace netlend
