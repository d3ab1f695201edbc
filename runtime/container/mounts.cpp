#include "container/mounts.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/syscall.hpp"

namespace netlend {

namespace {
int try_open_in_root(int root, const std::string& path) {
  const open_how how{
      .flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  return openat2(root, path.c_str(), how);
}
}  // namespace

UniqueFd make_filesystem(const char* type, const MountOptions& options, unsigned attributes) {
  const UniqueFd context{check(::fsopen(type, FSOPEN_CLOEXEC), "open file system", type)};
  // What mount(8) and df(1) show in the first column.
  check(::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", type, 0), "name file system",
        type);
  for (const auto& [key, value] : options) {
    const auto command = value.empty() ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    check(::fsconfig(context.get(), command, key, value.empty() ? nullptr : value.c_str(), 0),
          "set a mount option", std::string(type) + " " + key);
  }
  check(::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "make file system",
        type);
  return UniqueFd{
      check(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes), "mount file system", type)};
}

UniqueFd clone_tree(int location, Depth depth) {
  const unsigned recursive = depth == Depth::recursive ? AT_RECURSIVE : 0U;
  return UniqueFd{check(
      ::open_tree(location, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive),
      "copy", "a mount tree")};
}

void restrict_tree(int tree, unsigned attributes, Depth depth) {
  mount_attr wanted{
      .attr_set = attributes, .attr_clr = 0, .propagation = MS_PRIVATE, .userns_fd = 0};
  const unsigned recursive = depth == Depth::recursive ? AT_RECURSIVE : 0U;
  check(::mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &wanted, sizeof wanted), "restrict",
        "a mount tree");
}

void attach(int tree, int location) {
  check(::move_mount(tree, "", location, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
        "attach", "a mount");
}

UniqueFd open_in_root(int root, const std::string& path) {
  return UniqueFd{check(try_open_in_root(root, path), "open in the container", path)};
}

bool exists_in_root(int root, const std::string& path) {
  const UniqueFd found{try_open_in_root(root, path)};
  if (!found.is_open() && errno != ENOENT && errno != ENOTDIR) {
    throw_errno(errno, "look up in the container", path);
  }
  return found.is_open();
}

}  // namespace netlend
