#include "net/kernel/sysfs.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>

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

std::optional<std::string> read_link_name(int folder, const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(folder, path.c_str(), target.data(), target.size());
  if (size == -1) return std::nullopt;
  const std::string_view text(target.data(), static_cast<std::size_t>(size));
  return std::string(text.substr(text.rfind('/') + 1));
}

}  // namespace netlend
