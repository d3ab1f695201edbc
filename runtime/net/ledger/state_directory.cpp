#include "net/ledger/state_directory.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"

namespace netlend {

namespace {
constexpr mode_t kPrivateMode = 0700;

UniqueFd open_private(int parent, const std::string& name, const std::string& path) {
  if (::mkdirat(parent, name.c_str(), kPrivateMode) == -1 && errno != EEXIST) {
    throw Error(fmt::format("create the state folder '{}': {}; nothing was changed", path,
                            errno_text(errno)),
                errno);
  }
  UniqueFd folder{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder.is_open() && (errno == ENOTDIR || errno == ELOOP)) {
    throw Error(fmt::format("the state folder '{}' is not a folder; remove it", path), ENOTDIR);
  }
  check(folder.get(), "open the state folder", path);
  struct stat status {};
  check(::fstat(folder.get(), &status), "stat", path);
  if (status.st_uid != ::geteuid() || (status.st_mode & 0077U) != 0) {
    throw Error(fmt::format(
        "the state folder '{}' belongs to user {} and has mode {:04o}, so others could forge "
        "loans; remove it or 'chown root {}' and 'chmod 0700 {}'",
        path, status.st_uid, status.st_mode & 07777U, path, path));
  }
  return folder;
}
}  // namespace

StateDirectory::StateDirectory(const std::string& path) : path_(path) {
  root_ = open_private(AT_FDCWD, path, path);
  const auto open_part = [&](const char* name) {
    return open_private(root_.get(), name, fmt::format("{}/{}", path, name));
  };
  ledgers_ = open_part("ledgers");
  devices_ = open_part("devices");
  addresses_ = open_part("addresses");
  pins_ = open_part("pins");
  staging_ = open_part("staging");
  containers_ = open_part("containers");
}

}  // namespace netlend
