#include "container/mounts.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <optional>

#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;
constexpr int kLinksMax = 40;  // as the kernel follows: path_resolution(7)

int try_open_in_root(int root, const std::string& path, std::uint64_t further_limits = 0) {
  const open_how how{.flags = O_PATH | O_CLOEXEC,
                     .mode = 0,
                     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | further_limits};
  return openat2(root, path.c_str(), how);
}

/// What the file system itself has to say, if anything: "tmpfs: Bad value for 'mode'".
/// Source: fsopen(2), "the message retrieval interface".
std::string kernel_text(int context) {
  std::array<char, 512> text{};
  const auto size = ::read(context, text.data(), text.size());
  constexpr std::size_t kLevel = 2;  // "e " in front.
  const auto length = size < 0 ? 0 : static_cast<std::size_t>(size);
  return length <= kLevel ? std::string{} : std::string(text.data() + kLevel, length - kLevel);
}

void check_step(int result, int context, std::string_view doing, std::string_view object) {
  if (result != -1) return;
  const int errno_value = errno;
  auto why = errno_text(errno_value);
  if (const auto text = kernel_text(context); !text.empty()) {
    why += fmt::format("; {}", printable(text.substr(0, text.find_last_not_of('\n') + 1)));
  }
  throw Error(fmt::format("{} '{}': {}", doing, printable(object), why), errno_value);
}

void set_parameters(int context, const MountOptions& options) {
  for (const auto& [key, value] : options) {
    const auto command = value.empty() ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    check_step(
        ::fsconfig(context, command, key.c_str(), value.empty() ? nullptr : value.c_str(), 0),
        context, "set the mount option", value.empty() ? key : fmt::format("{}={}", key, value));
  }
}

/// What the symlink `name` of `folder` says; nothing where it is none.
std::optional<std::string> read_link(int folder, const std::string& name) {
  std::array<char, PATH_MAX> text{};
  const auto size = ::readlinkat(folder, name.c_str(), text.data(), text.size());
  if (size == -1) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(size));
}

/// Makes the last part of `path`, which is absolute, and whose folder is there. Returns where it
/// leads to instead if it is a symlink that leads nowhere.
std::optional<std::string> make_last(int root, const std::string& path, MountPoint kind) {
  const auto slash = path.rfind('/');
  const auto parent = path.substr(0, slash + 1);
  const auto folder = open_in_root(root, parent);
  const std::string name = path.substr(slash + 1);
  int result = 0;
  if (kind == MountPoint::folder) {
    result = ::mkdirat(folder.get(), name.c_str(), kFolderMode);
  } else {
    const UniqueFd made{::openat(folder.get(), name.c_str(),
                                 O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, kFileMode)};
    result = made.is_open() ? 0 : -1;
  }
  if (result == 0) return std::nullopt;
  if (errno != EEXIST) {
    throw_errno(errno, kind == MountPoint::folder ? "make the folder" : "make the file", path);
  }
  // If it is no link, another container with the same root made it.
  auto target = read_link(folder.get(), name);
  if (target && !target->starts_with('/')) target->insert(0, parent);
  return target;
}

/// Makes what is missing of `path`. Returns the path to go on with instead, once a symlink is met
/// that leads nowhere.
std::optional<std::string> make_parts(int root, const std::string& path, MountPoint kind) {
  const auto names = split_words(path, "/");
  std::string so_far;
  for (std::size_t i = 0; i < names.size(); ++i) {
    so_far.append("/").append(names[i]);
    if (exists_in_root(root, so_far)) continue;
    auto instead = make_last(root, so_far, i + 1 == names.size() ? kind : MountPoint::folder);
    if (!instead) continue;
    while (++i < names.size()) instead->append("/").append(names[i]);
    return instead;
  }
  return std::nullopt;
}
}  // namespace

UniqueFd make_filesystem(const std::string& type, const MountOptions& options, unsigned attributes,
                         const std::string& source) {
  const UniqueFd context{
      check(::fsopen(type.c_str(), FSOPEN_CLOEXEC), "open the file system type", type)};
  const std::string& shown = source.empty() ? type : source;
  check_step(::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", shown.c_str(), 0),
             context.get(), "set the source of a file system to", shown);
  set_parameters(context.get(), options);
  check_step(::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), context.get(),
             "make a file system of type", type);
  return UniqueFd{
      check(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes), "mount file system", type)};
}

void reconfigure_filesystem(int location, const MountOptions& options) {
  const UniqueFd context{check(::fspick(location, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC),
                               "open the file system of", "a mount")};
  set_parameters(context.get(), options);
  check_step(::fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0),
             context.get(), "reconfigure", "a file system");
}

UniqueFd clone_tree(int location, Depth depth) {
  const unsigned recursive = depth == Depth::recursive ? AT_RECURSIVE : 0U;
  return UniqueFd{check(
      ::open_tree(location, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive),
      "copy", "a mount tree")};
}

void restrict_tree(int tree, unsigned attributes, Depth depth) {
  change_mount(tree,
               {.attr_set = attributes, .attr_clr = 0, .propagation = MS_PRIVATE, .userns_fd = 0},
               depth);
}

void change_mount(int mount, const mount_attr& wanted, Depth depth) {
  const unsigned recursive = depth == Depth::recursive ? AT_RECURSIVE : 0U;
  // Its type is older than const.
  mount_attr copy = wanted;
  check(::mount_setattr(mount, "", AT_EMPTY_PATH | recursive, &copy, sizeof copy),
        "change the attributes of", "a mount");
}

void attach(int tree, int location) {
  check(::move_mount(tree, "", location, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
        "attach", "a mount");
}

UniqueFd open_in_root(int root, const std::string& path) {
  return UniqueFd{check(try_open_in_root(root, path), "open in the container", path)};
}

UniqueFd open_in_root_without_links(int root, const std::string& path) {
  return UniqueFd{check(try_open_in_root(root, path, RESOLVE_NO_SYMLINKS),
                        "open, without following links, in the container", path)};
}

bool exists_in_root(int root, const std::string& path) {
  const UniqueFd found{try_open_in_root(root, path)};
  if (!found.is_open() && errno != ENOENT && errno != ENOTDIR) {
    throw_errno(errno, "look up in the container", path);
  }
  return found.is_open();
}

UniqueFd make_in_root(int root, const std::string& path, MountPoint kind) {
  if (UniqueFd found{try_open_in_root(root, path)}; found.is_open()) return found;
  std::string real_path = path;
  for (int links = 0; links <= kLinksMax; ++links) {
    auto instead = make_parts(root, real_path, kind);
    if (!instead) return open_in_root(root, real_path);
    real_path = std::move(*instead);
  }
  throw_errno(ELOOP, "make in the container", path);
}

}  // namespace netlend
