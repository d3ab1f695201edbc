#include "net/ledger/pin.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr const char* kOwnMountNamespace = "/proc/self/ns/mnt";
constexpr const char* kInitMountNamespace = "/proc/1/ns/mnt";

std::uint64_t inode_of(const char* path) {
  struct stat status {};
  check(::stat(path, &status), "stat", path);
  return status.st_ino;
}

bool is_same_folder(const std::string& path, const std::string& other) {
  struct stat one {};
  struct stat two {};
  return ::stat(path.c_str(), &one) == 0 && ::stat(other.c_str(), &two) == 0 &&
         one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/// Enters another mount namespace for its lifetime. setns(2) moves root and working folder to the
/// root there, so both are put back.
class InMountNamespace {
 public:
  explicit InMountNamespace(const UniqueFd& target)
      : own_(check(::open(kOwnMountNamespace, O_RDONLY | O_CLOEXEC), "open", kOwnMountNamespace)),
        root_(check(::open("/", O_PATH | O_CLOEXEC), "open", "/")),
        folder_(check(::open(".", O_PATH | O_CLOEXEC), "open", ".")) {
    check(::setns(target.get(), CLONE_NEWNS), "enter", "a mount namespace");
  }
  InMountNamespace(const InMountNamespace&) = delete;
  InMountNamespace& operator=(const InMountNamespace&) = delete;
  InMountNamespace(InMountNamespace&&) = delete;
  InMountNamespace& operator=(InMountNamespace&&) = delete;
  ~InMountNamespace() {
    const int saved = errno;
    // What ran on in the wrong place could unmount or write what isn't ours.
    if (::setns(own_.get(), CLONE_NEWNS) == -1 || ::fchdir(root_.get()) == -1 ||
        ::chroot(".") == -1 || ::fchdir(folder_.get()) == -1) {
      std::abort();
    }
    errno = saved;
  }

 private:
  UniqueFd own_, root_, folder_;
};

/// An open mount namespace with that inode; none where no process is in it any more.
UniqueFd find_mount_namespace(std::uint64_t inode) {
  const auto open_if_it_is = [&](const std::string& path) {
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    const bool found = fd.is_open() && ::fstat(fd.get(), &status) == 0 && status.st_ino == inode;
    return found ? std::move(fd) : UniqueFd{};
  };
  if (UniqueFd fd = open_if_it_is(kInitMountNamespace); fd.is_open()) return fd;
  const UniqueFd proc = open_directory(AT_FDCWD, "/proc");
  for (const auto& name : list_names(proc.get())) {
    if (!parse_number(name, INT32_MAX)) continue;
    if (UniqueFd fd = open_if_it_is(fmt::format("/proc/{}/ns/mnt", name)); fd.is_open()) return fd;
  }
  return {};
}

/// Runs `work` in that mount namespace; false where it is gone, and its mounts with it.
template <typename Work>
bool run_in_mount_namespace(std::uint64_t inode, Work work) {
  if (inode_of(kOwnMountNamespace) == inode) {
    work();
    return true;
  }
  const UniqueFd target = find_mount_namespace(inode);
  if (!target.is_open()) return false;
  const InMountNamespace inside(target);
  work();
  return true;
}

std::string folder_path(const StateDirectory& state, PinFolder folder) {
  return state.path() + (folder == PinFolder::pins ? "/pins" : "/staging");
}

/// A private bind mount of the folder on itself: a pin then spreads to no other mount namespace, in
/// which it could not be undone.
void make_private(const std::string& path) {
  if (!is_mount_point(path, Symlink::meant)) {
    check(::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr), "bind-mount", path);
  }
  // Whoever mounted it may have been killed before this, or have done it while the state folder was
  // read-only, as this mount then would be for good.
  mount_attr attributes{
      .attr_set = 0, .attr_clr = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE, .userns_fd = 0};
  check(::mount_setattr(AT_FDCWD, path.c_str(), 0, &attributes, sizeof attributes),
        "make private and writable", path);
}

void bind_netns(const Netns& netns, const std::string& path) {
  const UniqueFd file{check(::open(path.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600),
                            "create", path)};
  const UniqueFd tree{static_cast<int>(check(
      ::syscall(SYS_open_tree, netns.fd(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
      "clone the mount of", netns.name()))};
  // Of a name that is shared (`ip netns add`) the copy would be, too: what is mounted over the name
  // would hide the pin as well.
  mount_attr is_private{.attr_set = 0, .attr_clr = 0, .propagation = MS_PRIVATE, .userns_fd = 0};
  check(::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &is_private, sizeof is_private),
        "make private", path);
  check(::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH),
        "pin the network namespace at", path);
}
}  // namespace

std::uint64_t pin_mount_namespace(const StateDirectory& state) {
  // PID 1's view of our folder, if we may look.
  const bool seen_by_init = is_same_folder(state.path(), "/proc/1/root" + state.path());
  return inode_of(seen_by_init ? kInitMountNamespace : kOwnMountNamespace);
}

std::uint64_t own_mount_namespace() { return inode_of(kOwnMountNamespace); }

void enter_pin_mount_namespace(const StateDirectory& state) {
  const std::uint64_t wanted = pin_mount_namespace(state);
  if (inode_of(kOwnMountNamespace) == wanted) return;
  const UniqueFd target = find_mount_namespace(wanted);
  check(::setns(target.get(), CLONE_NEWNS), "enter", "the mount namespace for pins");
}

PinPlace pin_place(const Ledger& ledger, PinFolder folder) {
  return {.folder = folder,
          .ledger_name = ledger.name,
          .mount_namespace = ledger.pin.value().mount_namespace};
}

void make_pin(const StateDirectory& state, const PinPlace& place, const Netns& netns) {
  const std::string base = folder_path(state, place.folder);
  const std::string path = base + "/" + place.ledger_name;
  // Two that make the first pin at once would mount the folder twice.
  const UniqueFd lock = open_directory(state.root(), ".");
  check(retry([&] { return ::flock(lock.get(), LOCK_EX); }), "lock", state.path());
  const bool done = run_in_mount_namespace(place.mount_namespace, [&] {
    make_private(base);
    if (!is_mount_point(path, Symlink::meant)) bind_netns(netns, path);
  });
  if (!done) throw Error("pin the network namespace: no process is in the mount namespace for it");
}

std::optional<Netns> open_pin(const StateDirectory& state, const PinPlace& place) {
  const std::string path = folder_path(state, place.folder) + "/" + place.ledger_name;
  std::optional<Netns> netns;
  run_in_mount_namespace(place.mount_namespace, [&] {
    if (is_mount_point(path, Symlink::meant)) netns.emplace(Netns::open(path));
  });
  return netns;
}

void remove_pin(const StateDirectory& state, const PinPlace& place) {
  const std::string path = folder_path(state, place.folder) + "/" + place.ledger_name;
  const auto unmount = [&] {
    if (is_mount_point(path, Symlink::meant)) {
      check(::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW), "unpin", path);
    }
  };
  run_in_mount_namespace(place.mount_namespace, unmount);
  // One that was cloned off meanwhile, as by `ip netns exec`, has a copy. Of others the kernel
  // takes it away with the file; our own keeps the file from being removed (fs/namei.c,
  // may_delete).
  unmount();
  // What isn't there needs no writable folder.
  if (::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
    return;
  remove_file(place.folder == PinFolder::pins ? state.pins() : state.staging(), place.ledger_name);
}

}  // namespace netlend
