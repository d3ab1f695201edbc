#include "container/bundle_root.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <string>
#include <utility>

#include "base/syscall.hpp"
#include "container/devices.hpp"
#include "container/hidden_paths.hpp"
#include "container/kernel_file_systems.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
constexpr unsigned long kPropagationTypes = MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE;

/// Runs `work`; what it throws gets the JSON pointer in front.
template <typename Work>
void with_pointer(const std::string& pointer, Work work) {
  try {
    work();
  } catch (const Error& error) {
    throw error.within(pointer);
  }
}

UniqueFd open_folder(const std::string& path) {
  return UniqueFd{check(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open", path)};
}

/// Mounts of the host's go on appearing in the container's volumes, as the config wants it; but
/// never the other way unless it says "shared". What is unbindable couldn't be mounted on itself,
/// so that comes last.
void set_propagation_of_host(const oci::Config& config) {
  auto type = config.linux.rootfs_propagation.value_or(MS_SLAVE | MS_REC);
  if ((type & MS_UNBINDABLE) != 0) type = MS_PRIVATE | MS_REC;
  check(::mount(nullptr, "/", nullptr, type, nullptr), "set the propagation of", "/");
}

bool is_mount_root(int location) {
  struct statx status {};
  check(::statx(location, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status), "stat", "a folder");
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/// Makes the mount private in which `folder` lies: what is mounted on a shared one would appear on
/// the host too, and pivot_root(2) wants it so.
void make_mount_of_private(int folder) {
  UniqueFd above{check(::openat(folder, ".", O_PATH | O_CLOEXEC), "open", ".")};
  while (!is_mount_root(above.get())) {
    above = UniqueFd{check(::openat(above.get(), "..", O_PATH | O_CLOEXEC), "open", "..")};
  }
  change_mount(above.get(),
               {.attr_set = 0, .attr_clr = 0, .propagation = MS_PRIVATE, .userns_fd = 0},
               Depth::one_mount);
}

UniqueFd mount_on_itself(const std::string& path) {
  const auto folder = open_folder(path);
  make_mount_of_private(folder.get());
  auto tree = clone_tree(folder.get(), Depth::recursive);
  attach(tree.get(), folder.get());
  return tree;
}

/// A /dev of the host's has all devices, and is not ours to change.
bool wants_default_devices(const std::vector<oci::Mount>& mounts) {
  return std::ranges::none_of(mounts, [](const oci::Mount& mount) {
    const auto path = std::filesystem::path("/" + mount.destination).lexically_normal();
    const bool is_bind = mount.type == "bind" ||
                         std::ranges::find(mount.options, "bind") != mount.options.end() ||
                         std::ranges::find(mount.options, "rbind") != mount.options.end();
    return is_bind && path.relative_path() == "dev";
  });
}

void make_read_only(int mount) {
  change_mount(mount,
               {.attr_set = MOUNT_ATTR_RDONLY, .attr_clr = 0, .propagation = 0, .userns_fd = 0},
               Depth::one_mount);
}

void pivot_into(int root) {
  const auto old_root = open_folder("/");
  check(::fchdir(root), "enter", "the container's root");
  check(::syscall(SYS_pivot_root, ".", "."), "make the root of this process",
        "the container's root");
  check(::fchdir(old_root.get()), "go back to", "the host's root");
  // Else what is unmounted here would be unmounted on the host, where it is shared.
  check(::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr), "cut off", "the host's root");
  check(::umount2(".", MNT_DETACH), "let go of", "the host's root");
  check(::chdir("/"), "enter", "/");
}

std::string path_of(int folder) {
  std::array<char, PATH_MAX> path{};
  const auto link = fmt::format("/proc/self/fd/{}", folder);
  const auto size = check(static_cast<int>(::readlink(link.c_str(), path.data(), path.size())),
                          "read the path of", "the container's root");
  return {path.data(), static_cast<std::size_t>(size)};
}

void move_to_root(int root) {
  // The host's root stays in this mount namespace. A /proc there with nothing hidden in it would
  // let who makes a user namespace have another: mount_too_revealing() of fs/namespace.c.
  detach_kernel_file_systems(open_folder("/proc").get(), path_of(root));
  check(::fchdir(root), "enter", "the container's root");
  check(::mount(".", "/", nullptr, MS_MOVE, nullptr), "move to /", "the container's root");
  check(::chroot("."), "make the root of this process", "the container's root");
  check(::chdir("/"), "enter", "/");
}
}  // namespace

BundleRoot::BundleRoot(const oci::Config& config, const std::string& bundle,
                       const CgroupMounter& cgroup)
    : config_(config) {
  // The modes of the config are meant as they are.
  ::umask(0);
  set_propagation_of_host(config);
  with_pointer("/root/path",
               [&] { root_ = mount_on_itself(std::filesystem::path(bundle) / config.root.path); });
  const MountPlace place{.root = root_.get(), .bundle = bundle};
  for (std::size_t i = 0; i < config.mounts.size(); ++i) {
    const auto& mount = config.mounts[i];
    with_pointer(fmt::format("/mounts/{}", i), [&] {
      if (mount.type == "cgroup") return cgroup(place, mount);
      if (auto made = make_mount(place, mount)) read_only_later_.push_back(std::move(*made));
    });
  }
  if (!wants_default_devices(config.mounts)) return;
  const auto dev = make_in_root(root_.get(), "/dev", MountPoint::folder);
  make_default_devices(dev.get());
  if (config.process && config.process->terminal) make_console_point(dev.get());
  make_devices(root_.get(), config.linux.devices);
}

void BundleRoot::enter(RootChange change) {
  const auto null_device = open_null_device();
  const auto& linux_part = config_.linux;
  for (const auto& path : linux_part.readonly_paths) {
    if (exists_in_root(root_.get(), path)) protect_path(open_in_root(root_.get(), path).get());
  }
  for (const auto& path : linux_part.masked_paths) {
    if (!exists_in_root(root_.get(), path)) continue;
    hide_path(open_in_root(root_.get(), path).get(), null_device.get());
  }
  change == RootChange::pivot ? pivot_into(root_.get()) : move_to_root(root_.get());
  if (config_.process) {
    // As runc and crun do, which the spec leaves open; later a read-only root takes no folder.
    with_pointer("/process/cwd",
                 [&] { make_in_root(root_.get(), config_.process->cwd, MountPoint::folder); });
  }
  for (const auto& mount : read_only_later_) make_read_only(mount.get());
  read_only_later_.clear();
  if (config_.root.readonly) make_read_only(root_.get());
  if (const auto type = linux_part.rootfs_propagation) {
    check(::mount(nullptr, "/", nullptr, *type & (kPropagationTypes | MS_REC), nullptr),
          "set the propagation of", "the container's root");
  }
  root_.reset();
}

}  // namespace netlend
