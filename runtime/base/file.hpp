#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"

namespace netlend {

/// All that can be read from `fd`. Throws Error if it is more than `limit_bytes`.
std::string read_all(int fd, std::size_t limit_bytes, std::string_view object);

/// The content of `path` under `dirfd`; nothing if there is no such file. Throws Error otherwise,
/// and for more than `limit_bytes`.
std::optional<std::string> read_file_if_exists(int dirfd, const std::string& path,
                                               std::size_t limit_bytes);

/// As above, but an absent file is an Error (ENOENT).
std::string read_file(int dirfd, const std::string& path, std::size_t limit_bytes);

/// What a file of sysfs or /proc/sys says, without the newline at its end; nothing if there is no
/// such file. One read(2) gives all of it, and the kernel makes room for as much as that asks for
/// (fs/proc/proc_sysctl.c, proc_sys_call_handler). Throws Error otherwise, and for
/// more than nearly 4 KiB.
std::optional<std::string> read_attribute(int dirfd, const std::string& path);

/// Writes all of `content` to `fd`.
void write_all(int fd, std::string_view content, std::string_view object);

inline constexpr mode_t kPrivateFileMode = 0600;

/// Makes `name` in `dirfd` hold `content`, with `mode` whatever the umask, old or new but never
/// half, also after a power loss: temporary file, fsync, rename, fsync of the folder.
void replace_file(int dirfd, const std::string& name, std::string_view content,
                  mode_t mode = kPrivateFileMode);

/// Makes `name` hold `content`; whoever is stopped half way leaves half of it, and a power loss any
/// of it: for what is only needed where a file is that replace_file() made.
void overwrite_file(int dirfd, const std::string& name, std::string_view content);

/// Makes `name` with `content` at once; false if it is there already. Source: link(2), O_TMPFILE.
bool create_file_exclusive(int dirfd, const std::string& name, std::string_view content);

/// Removes `name`; an absent file is success.
void remove_file(int dirfd, const std::string& name);

/// The names in a folder, sorted, without `.` and `..`.
std::vector<std::string> list_names(int dirfd);

/// Whether a symlink in the last component of a path is what is meant, or what it leads to.
enum class Symlink { meant, followed };

/// Whether something is mounted at `path`; false also where it can't be looked at. Source:
/// statx(2), STATX_ATTR_MOUNT_ROOT.
bool is_mount_point(const std::string& path, Symlink symlink);

/// Opens a folder under `dirfd` without following a symlink in its last component.
UniqueFd open_directory(int dirfd, const std::string& path);

}  // namespace netlend
