#include "net/home_holders.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"

namespace netlend {

namespace {
/// Empty where there is none, or none that we may read.
std::string link_text(const std::string& path) {
  std::error_code is_gone;
  return std::filesystem::read_symlink(path, is_gone).string();
}

std::vector<std::string> names_in(const std::string& folder) {
  const UniqueFd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return fd.is_open() ? list_names(fd.get()) : std::vector<std::string>{};
}

std::vector<pid_t> processes() {
  std::vector<pid_t> all;
  for (const auto& name : names_in("/proc")) {
    if (const auto pid = parse_number(name, INT32_MAX)) all.push_back(static_cast<pid_t>(*pid));
  }
  return all;
}

bool is_guardian(pid_t pid) {
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
  return name == kGuardianName;
}

bool is_netlend(pid_t pid) {
  const auto program =
      std::filesystem::path(link_text(fmt::format("/proc/{}/exe", pid))).filename();
  return pid == ::getpid() || is_guardian(pid) || program.string().starts_with("netlend");
}

class Holders {
 public:
  Holders(const StateDirectory& state, const NetnsIdentity& netns)
      : state_(state), text_(fmt::format("net:[{}]", netns.inode)) {}

  /// Cheapest first: of most homes the first process is one.
  bool exist() {
    const auto all = processes();
    return std::any_of(all.begin(), all.end(), [&](pid_t pid) { return is_inside(pid); }) ||
           std::any_of(all.begin(), all.end(), [&](pid_t pid) { return has_it_mounted(pid); }) ||
           std::any_of(all.begin(), all.end(), [&](pid_t pid) { return has_it_open(pid); });
  }

 private:
  bool is_inside(pid_t pid) const {
    const std::string threads = fmt::format("/proc/{}/task", pid);
    const auto ids = names_in(threads);
    return std::any_of(ids.begin(), ids.end(),
                       [&](const std::string& id) {
                         return link_text(fmt::format("{}/{}/ns/net", threads, id)) == text_;
                       }) &&
           !is_guardian(pid);
  }

  /// The root of such a mount is the namespace: proc(5), mountinfo.
  bool has_it_mounted(pid_t pid) {
    const std::string process = fmt::format("/proc/{}", pid);
    if (!seen_.insert(link_text(process + "/ns/mnt")).second) return false;
    std::ifstream mounts(process + "/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
      // A pin of ours: it is somebody's borrower as well.
      if (line.find(" " + text_ + " ") != std::string::npos &&
          line.find(" " + state_.path() + "/") == std::string::npos) {
        return true;
      }
    }
    return false;
  }

  bool has_it_open(pid_t pid) const {
    const std::string process = fmt::format("/proc/{}", pid);
    const std::string folder = process + "/fd";
    const auto names = names_in(folder);
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) {
                         return link_text(fmt::format("{}/{}", folder, name)) == text_;
                       }) &&
           !is_netlend(pid);
  }

  const StateDirectory& state_;
  std::string text_;
  /// Mount namespaces that were looked at.
  std::set<std::string> seen_;
};
}  // namespace

bool is_home_held(const StateDirectory& state, const NetnsIdentity& home) {
  if (link_text("/proc/self/ns/net").empty()) return true;
  return Holders(state, home).exist();
}

}  // namespace netlend
