#include "container/bundle_mount.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/mount_options.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
// As runc's checkProcMount.
constexpr std::array<std::string_view, 11> kAllowedInProc{"/proc/cpuinfo",
                                                          "/proc/diskstats",
                                                          "/proc/meminfo",
                                                          "/proc/stat",
                                                          "/proc/swaps",
                                                          "/proc/uptime",
                                                          "/proc/loadavg",
                                                          "/proc/slabinfo",
                                                          "/proc/net/dev",
                                                          "/proc/sys/kernel/ns_last_pid",
                                                          "/proc/sys/crypto/fips_enabled"};

bool is_procfs(int location) {
  struct statfs status {};
  check(::fstatfs(location, &status), "look at", "a mount point");
  return status.f_type == PROC_SUPER_MAGIC;
}

void check_not_inside_proc(int target, const std::string& destination) {
  const std::string path = std::filesystem::path("/" + destination).lexically_normal();
  const auto plain = path.substr(path.find_first_not_of('/') - 1);
  if (plain == "/proc" || !is_procfs(target)) return;
  if (std::ranges::find(kAllowedInProc, plain) != kAllowedInProc.end()) return;
  throw Error("nothing may be mounted inside the container's /proc there");
}

UniqueFd make_target(const MountPlace& place, const oci::Mount& mount, MountPoint kind) {
  auto target = make_in_root(place.root, mount.destination, kind);
  check_not_inside_proc(target.get(), mount.destination);
  return target;
}

void change(int tree, const ConfigMountOptions& options) {
  const auto apply = [&](const AttributeChange& attributes, Depth depth) {
    if (attributes == AttributeChange{}) return;
    change_mount(tree,
                 {.attr_set = attributes.set,
                  .attr_clr = attributes.clear,
                  .propagation = 0,
                  .userns_fd = 0},
                 depth);
  };
  apply(options.recursive, Depth::recursive);
  apply(options.one_mount, Depth::one_mount);
}

void propagate(int tree, const ConfigMountOptions& options) {
  constexpr unsigned long kRecursive = MS_REC;
  for (const auto type : options.propagation) {
    change_mount(tree,
                 {.attr_set = 0, .attr_clr = 0, .propagation = type & ~kRecursive, .userns_fd = 0},
                 (type & kRecursive) != 0 ? Depth::recursive : Depth::one_mount);
  }
}

void bind(const MountPlace& place, const oci::Mount& mount, const ConfigMountOptions& options) {
  const std::string path = std::filesystem::path(place.bundle) / mount.source;
  const UniqueFd source{check(::open(path.c_str(), O_PATH | O_CLOEXEC), "open the source", path)};
  struct stat status {};
  check(::fstat(source.get(), &status), "stat", path);
  const auto tree =
      clone_tree(source.get(), options.action == MountAction::bind_recursively ? Depth::recursive
                                                                               : Depth::one_mount);
  change(tree.get(), options);
  const auto target =
      make_target(place, mount, S_ISDIR(status.st_mode) ? MountPoint::folder : MountPoint::file);
  attach(tree.get(), target.get());
  propagate(tree.get(), options);
}

/// A memory file system that is to be read-only is first written to: what is mounted below it
/// needs a place. True if it is one.
bool put_off_read_only(MountOptions& parameters, std::uint64_t& attributes) {
  std::erase_if(parameters, [](const auto& parameter) { return parameter.first == "ro"; });
  const bool is_read_only = (attributes & MOUNT_ATTR_RDONLY) != 0;
  attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  return is_read_only;
}

/// An empty memory file system looks like the folder that it covers.
void keep_mode(MountOptions& parameters, int target) {
  const auto is_mode = [](const auto& parameter) { return parameter.first == "mode"; };
  if (std::ranges::any_of(parameters, is_mode)) return;
  struct stat status {};
  check(::fstat(target, &status), "stat", "a mount point");
  parameters.emplace_back("mode", fmt::format("{:o}", status.st_mode & 07777U));
}

std::optional<UniqueFd> make(const MountPlace& place, const oci::Mount& mount,
                             const ConfigMountOptions& options) {
  const bool shows_kernel = mount.type == "proc" || mount.type == "sysfs";
  const bool is_tmpfs = mount.type == "tmpfs";
  const bool covers = exists_in_root(place.root, mount.destination);
  auto target = make_target(place, mount, MountPoint::folder);
  // Else /proc would be somewhere else, and something else at /proc: CVE-2019-19921.
  if (shows_kernel) target = open_in_root_without_links(place.root, mount.destination);
  MountOptions parameters = options.parameters;
  auto attributes = options.one_mount.set | options.recursive.set;
  if (is_tmpfs && covers) keep_mode(parameters, target.get());
  const bool is_read_only_later = is_tmpfs && put_off_read_only(parameters, attributes);
  auto tree =
      make_filesystem(mount.type, parameters, static_cast<unsigned>(attributes), mount.source);
  attach(tree.get(), target.get());
  propagate(tree.get(), options);
  if (!is_read_only_later) return std::nullopt;
  return tree;
}

void remount(const MountPlace& place, const oci::Mount& mount, const ConfigMountOptions& options) {
  const auto target = open_in_root(place.root, mount.destination);
  change(target.get(), options);
  if (!options.parameters.empty()) reconfigure_filesystem(target.get(), options.parameters);
  propagate(target.get(), options);
}
}  // namespace

std::optional<UniqueFd> make_mount(const MountPlace& place, const oci::Mount& mount) {
  auto options = sort_mount_options(mount.options);
  if (mount.type == "bind" && options.action == MountAction::make) {
    options.action = MountAction::bind;
  }
  switch (options.action) {
    case MountAction::bind:
    case MountAction::bind_recursively:
      bind(place, mount, options);
      break;
    case MountAction::remount:
      remount(place, mount, options);
      break;
    case MountAction::make:
      return make(place, mount, options);
  }
  return std::nullopt;
}

}  // namespace netlend
