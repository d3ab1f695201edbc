#include "net/kernel/l3_namespace.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/syscall.hpp"

namespace netlend {

namespace {
// kernel/patches/6.12: include/uapi/linux/nsfs.h.
constexpr unsigned long kCreate = _IO(NSIO, 0x60);
constexpr unsigned long kGetId = _IOR(NSIO, 0x61, std::uint32_t);
constexpr unsigned long kShareLoopback = 1;
constexpr unsigned long kNoSuchFlag = 1UL << 31;
}  // namespace

bool has_l3_namespaces() {
  // A kernel that has them looks at the flags last, and makes none for one that it doesn't know
  // (EINVAL). One that answers EPERM has them too, but not for us: to make one says so then.
  return ::ioctl(Netns::current().fd(), kCreate, kNoSuchFlag) == -1 && errno != ENOTTY;
}

Netns create_l3_namespace(const Netns& parent, Loopback loopback) {
  const unsigned long flags = loopback == Loopback::shared ? kShareLoopback : 0;
  UniqueFd fd{check(::ioctl(parent.fd(), kCreate, flags), "make an L3 network namespace below",
                    parent.name())};
  return Netns(std::move(fd), "a new L3 network namespace");
}

bool is_l3_child(const Netns& netns, const NetnsIdentity& parent) {
  // Another namespace's parent can't be opened, and an ordinary one has none.
  const UniqueFd fd{::ioctl(netns.fd(), NS_GET_PARENT)};
  struct stat status {};
  return fd.is_open() && ::fstat(fd.get(), &status) == 0 && status.st_dev == parent.device &&
         status.st_ino == parent.inode;
}

std::uint32_t l3_id(const Netns& netns) {
  std::uint32_t id = 0;
  check(::ioctl(netns.fd(), kGetId, &id), "ask for the number of", netns.name());
  return id;
}

}  // namespace netlend
