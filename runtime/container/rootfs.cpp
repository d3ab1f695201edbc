#include "container/rootfs.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/kernel_file_systems.hpp"
#include "container/kernel_folders.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
struct Cover {
  const char* path;
  const char* mode;
};
constexpr std::array kEmptyFolders{Cover{"/root", "0700"}, Cover{"/home", "0755"},
                                   Cover{"/run", "0755"}, Cover{"/tmp", "1777"}};
// Where engines keep other containers' files and secrets.
constexpr std::array kEngineFolders{
    "/var/lib/buildkit", "/var/lib/cni",     "/var/lib/containerd", "/var/lib/containers",
    "/var/lib/crio",     "/var/lib/docker",  "/var/lib/etcd",       "/var/lib/incus",
    "/var/lib/kubelet",  "/var/lib/lxc",     "/var/lib/lxcfs",      "/var/lib/lxd",
    "/var/lib/machines", "/var/lib/rancher", "/var/snap/lxd"};
constexpr std::array kKernelFolders{"/dev", "/proc", "/sys"};

UniqueFd open_root() {
  return UniqueFd{check(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/")};
}

/// Leaves any chroot that we were started in: its outside would stay in our mount namespace, and
/// chroot(2) be a way there. Entering the namespace that we are in does it. Source: setns(2).
void go_to_namespace_root(int proc) {
  const UniqueFd own{
      check(::openat(proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC), "open", "our mount namespace")};
  check(::setns(own.get(), CLONE_NEWNS), "go to the root of", "our mount namespace");
}

/// Makes `tree` the root and lets go of all else. Source: pivot_root(2), "pivot_root(".", ".")".
void pivot_into(int tree) {
  const auto old_root = open_root();
  attach(tree, old_root.get());
  check(::fchdir(tree), "enter", "the container's root");
  check(::syscall(SYS_pivot_root, ".", "."), "make the root of this process",
        "the container's root");
  check(::fchdir(old_root.get()), "go back to", "the host's root");
  check(::umount2(".", MNT_DETACH), "let go of", "the host's root");
  check(::chdir("/"), "enter", "/");
}

void become_private_copy_of_host(int proc) {
  const auto tree = clone_tree(open_root().get(), Depth::recursive);
  restrict_tree(tree.get(), MOUNT_ATTR_RDONLY | kNoSuidDev, Depth::recursive);
  go_to_namespace_root(proc);
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make private", "/");
  pivot_into(tree.get());
}

/// A visible copy of what a cover will hide.
struct Shown {
  std::string path;
  UniqueFd tree;
  bool is_folder = false;
};

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

Shown take_shown(int root, const std::string& path) {
  const auto doing = fmt::format("show '{}'", printable(path));
  if (!path.starts_with('/') || path.find("/..") != std::string::npos) {
    throw Error::usage(doing + ": give an absolute path without '..'");
  }
  if (std::ranges::any_of(kKernelFolders, [&](auto folder) { return is_below(path, folder); })) {
    throw Error::usage(doing + ": /dev, /proc and /sys are the container's own");
  }
  const open_how how{
      .flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
  const UniqueFd found{openat2(root, path.c_str(), how)};
  if (!found.is_open()) {
    if (errno == ELOOP) {
      throw Error::usage(doing +
                         ": a symbolic link is in it; give the path that realpath(1) prints");
    }
    throw Error(fmt::format("{}: {}", doing, errno_text(errno)), errno);
  }
  struct stat status {};
  check(::fstat(found.get(), &status), "stat", path);
  return {.path = path,
          .tree = clone_tree(found.get(), Depth::recursive),
          .is_folder = S_ISDIR(status.st_mode)};
}

/// Makes `name` in `folder` as a place to mount on, if it isn't there, and opens it.
UniqueFd make_mount_point(int folder, const std::string& name, bool is_folder) {
  if (is_folder) {
    if (::mkdirat(folder, name.c_str(), 0755) == -1 && errno != EEXIST) {
      throw_errno(errno, "make a mount point", name);
    }
  } else {
    const UniqueFd made{
        ::openat(folder, name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!made.is_open() && errno != EEXIST) throw_errno(errno, "make a mount point", name);
  }
  return open_in_root(folder, name);
}

void show(int root, const Shown& shown) {
  // What no cover hides is visible already, and its folders can't be made on a read-only root.
  if (exists_in_root(root, shown.path)) {
    attach(shown.tree.get(), open_in_root(root, shown.path).get());
    return;
  }
  const auto names = split_words(shown.path, "/");
  UniqueFd folder = open_in_root(root, "/");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_last = i + 1 == names.size();
    folder = make_mount_point(folder.get(), std::string(names[i]), !is_last || shown.is_folder);
  }
  attach(shown.tree.get(), folder.get());
}

void cover_private_folders(int root) {
  const auto cover = [&](const char* path, const char* mode) {
    if (!exists_in_root(root, path)) return;
    const auto tree = make_filesystem("tmpfs", {{"mode", mode}}, kNoSuidDev);
    attach(tree.get(), open_in_root(root, path).get());
  };
  for (const auto& [path, mode] : kEmptyFolders) cover(path, mode);
  for (const char* path : kEngineFolders) cover(path, "0700");
}

/// Where the file that programs read is to be: /etc/resolv.conf or what it links to, often a file
/// below /run, which the container hasn't got.
std::string resolv_conf_path(int root) {
  constexpr const char* kFolder = "/etc";
  std::array<char, PATH_MAX> target{};
  const auto size =
      ::readlinkat(open_in_root(root, kFolder).get(), "resolv.conf", target.data(), target.size());
  if (size == -1) return std::string(kFolder) + "/resolv.conf";
  const std::string_view text(target.data(), static_cast<std::size_t>(size));
  return (std::filesystem::path(kFolder) / text).lexically_normal();
}

/// Mounts a file with `content` there. It is made in `dev`, which is writable and nobody's yet.
void give_resolv_conf(int root, int dev, const std::string& content) {
  constexpr const char* kName = "resolv.conf";
  const UniqueFd file{
      check(::openat(dev, kName, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644), "make", kName)};
  write_all(file.get(), content, kName);
  Shown shown{.path = resolv_conf_path(root),
              .tree = clone_tree(file.get(), Depth::one_mount),
              .is_folder = false};
  restrict_tree(shown.tree.get(), kNoSuidDevExec, Depth::one_mount);
  show(root, shown);
  // After the mount: one whose folder entry is gone can't be attached (ENOENT).
  check(::unlinkat(dev, kName, 0), "remove", kName);
}
}  // namespace

void enter_host_root(const HostRootOptions& options) {
  ::umask(0);
  const auto proc = make_proc();
  become_private_copy_of_host(proc.get());
  detach_kernel_file_systems(proc.get());
  const auto root = open_root();
  std::vector<Shown> shown;
  for (const auto& path : options.show) shown.push_back(take_shown(root.get(), path));
  cover_private_folders(root.get());
  for (const auto& item : shown) show(root.get(), item);
  const auto dev = mount_dev(open_in_root(root.get(), "/dev").get());
  attach(proc.get(), open_in_root(root.get(), "/proc").get());
  protect_proc(proc.get(), open_in_root(dev.get(), "null").get());
  mount_sys(open_in_root(root.get(), "/sys").get());
  if (options.resolv_conf) give_resolv_conf(root.get(), dev.get(), *options.resolv_conf);
  constexpr mode_t kUsualMask = 022;
  ::umask(kUsualMask);
}

}  // namespace netlend
