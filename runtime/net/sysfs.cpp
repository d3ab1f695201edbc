#include "net/sysfs.hpp"

#include <sys/mount.h>

#include <cerrno>

#include "base/syscall.hpp"

namespace netlend {

std::optional<UniqueFd> open_sysfs(const Netns& netns) {
  UniqueFd root;
  int why = 0;
  run_in_netns(netns, [&] {
    const UniqueFd context{::fsopen("sysfs", FSOPEN_CLOEXEC)};
    if (context.is_open() &&
        ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0) {
      root = UniqueFd{::fsmount(context.get(), FSMOUNT_CLOEXEC,
                                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)};
    }
    why = errno;
  });
  if (root.is_open()) return root;
  if (why == EPERM || why == ENODEV || why == ENOSYS) return std::nullopt;
  throw_errno(why, "mount a sysfs that shows", netns.name());
}

}  // namespace netlend
