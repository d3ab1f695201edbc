#include "container/read_only_program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/syscall.hpp"
#include "container/execute.hpp"
#include "container/mounts.hpp"

namespace netlend {

namespace {
constexpr const char* kSelf = "/proc/self/exe";

/// A mount of a single file that is read-only: nobody but we makes such a thing of a program.
bool is_protected(int program) {
  struct statx status {};
  check(::statx(program, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status), "stat", kSelf);
  struct statvfs mount {};
  check(::fstatvfs(program, &mount), "look at the mount of", kSelf);
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 && (mount.f_flag & ST_RDONLY) != 0;
}
}  // namespace

void ensure_read_only_program(const std::vector<std::string>& arguments) {
  const UniqueFd program{check(::open(kSelf, O_PATH | O_CLOEXEC), "open", kSelf)};
  if (is_protected(program.get())) {
    // A kernel may name a program that is executed so by the number of its descriptor.
    check(::prctl(PR_SET_NAME, "netlend"), "name", "this process");
    return;
  }
  const auto copy = clone_tree(program.get(), Depth::one_mount);
  restrict_tree(copy.get(), MOUNT_ATTR_RDONLY, Depth::one_mount);
  std::vector<std::string> words{"netlend"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  check(::syscall(SYS_execveat, copy.get(), "", exec_array(words).data(), environ, AT_EMPTY_PATH),
        "execute again", kSelf);
}

}  // namespace netlend
