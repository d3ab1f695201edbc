#include "container/bundle_process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/keyctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <map>
#include <optional>
#include <string_view>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/mounts.hpp"
#include "privilege/capabilities.hpp"

namespace netlend {

namespace {
constexpr std::size_t kPasswdMaxBytes = std::size_t{1} << 20;
constexpr mode_t kUsualMask = 022;

void enter_working_folder(const std::string& path) {
  const UniqueFd root{check(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/")};
  const auto folder = open_in_root(root.get(), path);
  check(::fchdir(folder.get()), "enter", path);
  // A descriptor of a folder outside would have no path from here (CVE-2024-21626).
  std::array<char, PATH_MAX> inside{};
  const auto length = ::syscall(SYS_getcwd, inside.data(), inside.size());
  if (length < 1 || inside[0] != '/') {
    throw Error(fmt::format("'{}' is outside of the container", printable(path)));
  }
}

void set_limits(const std::vector<oci::Rlimit>& limits) {
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const rlimit wanted{.rlim_cur = limits[i].soft, .rlim_max = limits[i].hard};
    // The enumeration is glibc's; the kernel takes a number.
    const auto resource = static_cast<__rlimit_resource>(limits[i].resource);
    check(::setrlimit(resource, &wanted), fmt::format("/process/rlimits/{}: set", i),
          "a resource limit");
  }
}

/// What the caller handed over as standard input, output or error is the container's user's from
/// here on, who couldn't open /dev/stdout otherwise. /dev/null is everybody's already, and what
/// refuses (a socket, a file of another file system) stays as it is.
void own_standard_descriptors(uid_t uid) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    struct stat status {};
    if (::fstat(fd, &status) == -1 || status.st_uid == uid) continue;
    const bool is_null = S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(1, 3);
    if (!is_null) static_cast<void>(::fchown(fd, uid, static_cast<gid_t>(-1)) == 0);
  }
}

CapabilitySets sets_of(const oci::Capabilities& wanted) {
  return {.bounding = wanted.bounding,
          .effective = wanted.effective,
          .permitted = wanted.permitted,
          .inheritable = wanted.inheritable,
          .ambient = wanted.ambient};
}

std::optional<std::string> read_passwd() {
  // O_NONBLOCK: an image may have a FIFO there.
  const UniqueFd file{::open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) == -1 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  return read_all(file.get(), kPasswdMaxBytes, "/etc/passwd");
}

/// The sixth field of the user's line, of which any may be empty. Source: passwd(5).
std::optional<std::string> home_in(std::string_view passwd, uid_t uid) {
  constexpr std::size_t kUid = 2;
  constexpr std::size_t kHome = 5;
  for (const auto line : split_words(passwd, "\n")) {
    std::vector<std::string_view> fields;
    for (std::size_t at = 0; at <= line.size();) {
      const auto end = std::min(line.find(':', at), line.size());
      fields.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    if (fields.size() > kHome && parse_number(fields[kUid], UINT32_MAX) == uid) {
      return std::string(fields[kHome]);
    }
  }
  return std::nullopt;
}
/// Of a variable that is set twice, what a shell would have: getenv(3) takes the first.
std::vector<std::string> last_of_each_name(const std::vector<std::string>& entries) {
  std::map<std::string_view, std::size_t> last;
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  for (std::size_t i = 0; i < entries.size(); ++i) last[name_of(entries[i])] = i;
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (last[name_of(entries[i])] == i) kept.push_back(entries[i]);
  }
  return kept;
}
}  // namespace

void make_session_keyring(const std::string& id) {
  const std::string name = "_ses." + id;
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str()) == -1 && errno != ENOSYS) {
    throw_errno(errno, "make the session keyring", name);
  }
}

void set_oom_score(const oci::Process& process) {
  if (!process.oom_score_adj) return;
  constexpr const char* kPath = "/proc/self/oom_score_adj";
  const UniqueFd file{check(::open(kPath, O_WRONLY | O_CLOEXEC), "open", kPath)};
  write_all(file.get(), std::to_string(*process.oom_score_adj), "/process/oomScoreAdj");
}

void become_user_process(const oci::Process& process) {
  try {
    enter_working_folder(process.cwd);
  } catch (const Error& error) {
    throw error.within("/process/cwd");
  }
  set_limits(process.rlimits);
  ::umask(process.user.umask.value_or(kUsualMask));
  own_standard_descriptors(process.user.uid);
  become({.uid = process.user.uid,
          .gid = process.user.gid,
          .groups = {process.user.additional_gids.begin(), process.user.additional_gids.end()}},
         sets_of(process.capabilities));
  if (process.no_new_privileges) set_no_new_privileges();
}

std::vector<std::string> environment_of(const oci::Process& process) {
  auto environment = last_of_each_name(process.env);
  std::erase(environment, "HOME=");
  const auto is_home = [](const std::string& entry) { return entry.starts_with("HOME="); };
  if (std::ranges::none_of(environment, is_home)) {
    const auto passwd = read_passwd();
    const auto home = passwd ? home_in(*passwd, process.user.uid) : std::nullopt;
    environment.push_back("HOME=" + (home && !home->empty() ? *home : "/"));
  }
  return environment;
}

}  // namespace netlend
