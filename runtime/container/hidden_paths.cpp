#include "container/hidden_paths.hpp"

#include <sys/stat.h>

#include "base/syscall.hpp"
#include "container/mounts.hpp"

namespace netlend {

void hide_path(int location, int null_device) {
  struct stat status {};
  check(::fstat(location, &status), "stat", "what is to be hidden");
  const auto tree = S_ISDIR(status.st_mode)
                        ? make_filesystem("tmpfs", {{"mode", "0555"}, {"size", "4k"}},
                                          MOUNT_ATTR_RDONLY | kNoSuidDevExec)
                        : clone_tree(null_device, Depth::one_mount);
  attach(tree.get(), location);
}

void protect_path(int location) {
  const auto tree = clone_tree(location, Depth::recursive);
  restrict_tree(tree.get(), MOUNT_ATTR_RDONLY | kNoSuidDevExec, Depth::recursive);
  attach(tree.get(), location);
}

}  // namespace netlend
