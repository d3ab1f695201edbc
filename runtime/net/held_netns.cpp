#include "net/held_netns.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
/// None where the folder can't be read: it is not there, or its process has ended.
std::vector<std::string> names_in(const std::string& folder) {
  const UniqueFd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return fd.is_open() ? list_names(fd.get()) : std::vector<std::string>{};
}

std::vector<std::string> process_folders() {
  std::vector<std::string> folders;
  for (const auto& name : names_in("/proc")) {
    if (parse_number(name, INT32_MAX)) folders.push_back("/proc/" + name);
  }
  return folders;
}

/// Hundreds of processes share a few namespaces.
class Search {
 public:
  explicit Search(const IsWanted& is_wanted) : is_wanted_(is_wanted) {}

  std::optional<Netns> look_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == -1) return std::nullopt;
    if (!seen_.emplace(status.st_dev, status.st_ino).second) return std::nullopt;
    return open_wanted(path, is_wanted_);
  }

  std::optional<Netns> look_at_inhabited() {
    constexpr const char* kNamed = "/run/netns";
    for (const auto& name : names_in(kNamed)) {
      if (auto found = look_at(fmt::format("{}/{}", kNamed, name))) return found;
    }
    for (const auto& process : process_folders()) {
      if (auto found = look_at(process + "/ns/net")) return found;
    }
    return std::nullopt;
  }

  std::optional<Netns> look_at_open(const std::string& process) {
    const std::string folder = process + "/fd";
    for (const auto& name : names_in(folder)) {
      const std::string path = fmt::format("{}/{}", folder, name);
      std::error_code is_gone;
      // To open whatever else is open there could wait for a writer, or have an effect.
      if (!std::filesystem::read_symlink(path, is_gone).string().starts_with("net:[")) continue;
      if (auto found = look_at(path)) return found;
    }
    return std::nullopt;
  }

 private:
  const IsWanted& is_wanted_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};
}  // namespace

std::optional<Netns> open_wanted(const std::string& path, const IsWanted& is_wanted) {
  try {
    Netns netns = Netns::open(path);
    if (is_wanted(netns)) return netns;
  } catch (const Error&) {
    // It ended while we looked, or shows something else: not the one we look for.
  }
  return std::nullopt;
}

std::optional<Netns> find_inhabited_netns(const IsWanted& is_wanted) {
  return Search(is_wanted).look_at_inhabited();
}

std::optional<Netns> find_held_netns(const IsWanted& is_wanted) {
  Search search(is_wanted);
  if (auto found = search.look_at_inhabited()) return found;
  for (const auto& process : process_folders()) {
    if (auto found = search.look_at_open(process)) return found;
  }
  return std::nullopt;
}

std::optional<Netns> find_own_open_netns(const IsWanted& is_wanted) {
  return Search(is_wanted).look_at_open("/proc/self");
}

}  // namespace netlend
