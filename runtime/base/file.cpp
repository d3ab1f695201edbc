#include "base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/syscall.hpp"

namespace netlend {

namespace {
struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

// With it, and a byte to see that there is more, the kernel needs one page.
constexpr std::size_t kAttributeMax = 4094;

// rename() never leaves half a file, and this name is overwritten by the next writer: the lock of
// whoever replaces the file keeps two of them apart.
std::string temporary_name(const std::string& name) { return "." + name + ".new"; }
}  // namespace

std::string read_all(int fd, std::size_t limit_bytes, std::string_view object) {
  std::string content;
  std::array<char, 16384> chunk{};
  for (;;) {
    const ssize_t got =
        check(retry([&] { return ::read(fd, chunk.data(), chunk.size()); }), "read", object);
    if (got == 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(got));
    if (content.size() > limit_bytes) {
      throw Error(fmt::format("read '{}': more than {} bytes, which nothing of ours has", object,
                              limit_bytes));
    }
  }
}

std::optional<std::string> read_file_if_exists(int dirfd, const std::string& path,
                                               std::size_t limit_bytes) {
  UniqueFd file{::openat(dirfd, path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno(errno, "open", path);
  }
  return read_all(file.get(), limit_bytes, path);
}

std::string read_file(int dirfd, const std::string& path, std::size_t limit_bytes) {
  auto content = read_file_if_exists(dirfd, path, limit_bytes);
  if (!content) throw_errno(ENOENT, "open", path);
  return *std::move(content);
}

std::optional<std::string> read_attribute(int dirfd, const std::string& path) {
  const UniqueFd file{::openat(dirfd, path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno(errno, "open", path);
  }
  std::array<char, kAttributeMax + 1> value;
  const auto got = static_cast<std::size_t>(
      check(retry([&] { return ::read(file.get(), value.data(), value.size()); }), "read", path));
  if (got > kAttributeMax) throw_errno(EFBIG, "read", path);
  std::string_view text(value.data(), got);
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

void write_all(int fd, std::string_view content, std::string_view object) {
  while (!content.empty()) {
    const ssize_t put =
        check(retry([&] { return ::write(fd, content.data(), content.size()); }), "write", object);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
}

void overwrite_file(int dirfd, const std::string& name, std::string_view content) {
  const UniqueFd file{
      check(::openat(dirfd, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                     kPrivateFileMode),
            "create", name)};
  write_all(file.get(), content, name);
}

void replace_file(int dirfd, const std::string& name, std::string_view content, mode_t mode) {
  const std::string temporary = temporary_name(name);
  UniqueFd file{
      check(::openat(dirfd, temporary.c_str(),
                     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kPrivateFileMode),
            "create", temporary)};
  try {
    write_all(file.get(), content, temporary);
    check(::fchmod(file.get(), mode), "chmod", temporary);
    check(::fsync(file.get()), "fsync", temporary);
    check(::renameat(dirfd, temporary.c_str(), dirfd, name.c_str()), "rename into place", name);
  } catch (const Error&) {
    ::unlinkat(dirfd, temporary.c_str(), 0);
    throw;
  }
  check(::fsync(dirfd), "fsync the folder of", name);
}

bool create_file_exclusive(int dirfd, const std::string& name, std::string_view content) {
  // Unnamed until it is whole: whoever is killed here leaves nothing behind.
  UniqueFd file{check(::openat(dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kPrivateFileMode),
                      "create", name)};
  write_all(file.get(), content, name);
  check(::fsync(file.get()), "fsync", name);
  const std::string self = fmt::format("/proc/self/fd/{}", file.get());
  if (::linkat(AT_FDCWD, self.c_str(), dirfd, name.c_str(), AT_SYMLINK_FOLLOW) == -1) {
    if (errno == EEXIST) return false;
    throw_errno(errno, "create", name);
  }
  try {
    check(::fsync(dirfd), "fsync the folder of", name);
  } catch (const Error&) {
    ::unlinkat(dirfd, name.c_str(), 0);
    throw;
  }
  return true;
}

void remove_file(int dirfd, const std::string& name) {
  if (::unlinkat(dirfd, name.c_str(), 0) == -1 && errno != ENOENT) {
    throw_errno(errno, "remove", name);
  }
}

std::vector<std::string> list_names(int dirfd) {
  UniqueFd copy{check(::openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "list", "folder")};
  std::unique_ptr<DIR, CloseDirectory> directory{::fdopendir(copy.get())};
  if (!directory) throw_errno(errno, "list", "folder");
  copy.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    // One thread, one stream: readdir(3) is safe here.
    const dirent* entry = ::readdir(directory.get());  // NOLINT(concurrency-mt-unsafe)
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) throw_errno(errno, "list", "folder");
  std::sort(names.begin(), names.end());
  return names;
}

bool is_mount_point(const std::string& path, Symlink symlink) {
  struct statx status {};
  const int flags = AT_NO_AUTOMOUNT | (symlink == Symlink::meant ? AT_SYMLINK_NOFOLLOW : 0);
  return ::statx(AT_FDCWD, path.c_str(), flags, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

UniqueFd open_directory(int dirfd, const std::string& path) {
  return UniqueFd{
      check(::openat(dirfd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
            "open folder", path)};
}

}  // namespace netlend
