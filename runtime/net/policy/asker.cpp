#include "net/policy/asker.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
// A line a hierarchy, of which there are 64 at most (linux/cgroup-defs.h), with a path each.
constexpr std::size_t kCgroupMaxBytes = std::size_t{64} * 8192;

std::optional<std::string> read_cgroup(const ProcessIdentity& process) {
  auto cgroup = read_own_cgroup(process.pid);
  // Its pid may have been given to another before that was read, but not before this.
  if (liveness(process) == Liveness::dead) throw_errno(ESRCH, "find", "the container");
  return cgroup;
}

std::optional<std::string> resolve(const std::string& folder) {
  std::error_code error;
  auto path = std::filesystem::canonical(folder, error);
  return error ? std::nullopt : std::optional{path.string()};
}
}  // namespace

std::optional<std::string> own_cgroup(std::string_view proc_text) {
  std::optional<std::string> found;
  for (const auto line : split_words(proc_text, "\n")) {
    // hierarchy-ID:controller-list:cgroup-path, and the path can have colons.
    const auto controllers = line.find(':');
    const auto path_at = line.find(':', controllers + 1);
    if (controllers == std::string_view::npos || path_at == std::string_view::npos) continue;
    const auto path = line.substr(path_at + 1);
    if (path == "/") continue;
    if (path.starts_with("/..") || (found && *found != path)) return std::nullopt;
    found = path;
  }
  return found;
}

std::optional<std::string> read_own_cgroup(pid_t pid) {
  return own_cgroup(read_file(AT_FDCWD, fmt::format("/proc/{}/cgroup", pid), kCgroupMaxBytes));
}

Asker observe_asker(const ContainerId& id, const ProcessIdentity& process,
                    const std::string& bundle) {
  return {.id = id, .cgroup = read_cgroup(process), .bundle = resolve(bundle)};
}

}  // namespace netlend
