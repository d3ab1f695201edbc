#include "container/hierarchy.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr std::size_t kFileMaxBytes = 65536;
// 2^22 pids of up to 7 digits. Source: proc(5), /proc/sys/kernel/pid_max.
constexpr std::size_t kProcessesMaxBytes = std::size_t{1} << 25;
constexpr mode_t kGroupMode = 0755;

// `path` for calls that begin at the root's descriptor.
const char* from_root(const std::string& path) {
  const auto begin = path.find_first_not_of('/');
  return begin == std::string::npos ? "." : path.c_str() + begin;
}

// Nothing where no such file system is mounted.
std::optional<UniqueFd> open_root(const std::string& path, unsigned long magic) {
  UniqueFd root{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  struct statfs status {};
  if (!root.is_open() || ::fstatfs(root.get(), &status) != 0) return std::nullopt;
  if (static_cast<unsigned long>(status.f_type) != magic) return std::nullopt;
  return root;
}

// A new cpuset is empty, and no process can be in it. Source: cpuset(7), "cpuset.cpus".
void fill_cpuset(int parent, int group) {
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const bool is_empty = split_words(read_file(group, file, kFileMaxBytes), "\n").empty();
    if (is_empty) write_to_group(group, file, read_file(parent, file, kFileMaxBytes));
  }
}

std::vector<std::string> subgroups(int group) {
  struct Close {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  UniqueFd copy{
      check(::openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", "a cgroup")};
  const std::unique_ptr<DIR, Close> folder{::fdopendir(copy.get())};
  if (!folder) throw_errno(errno, "list", "a cgroup");
  copy.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.push_back(name);
  }
  return names;
}

bool is_gone(int errno_value) { return errno_value == ENOENT || errno_value == ENODEV; }

// The content of a file of processes. One of a threaded group of version 2 can't be read: its
// processes are listed further up. Source: cgroup-v2.rst, "Threads".
std::string read_processes(int group) {
  try {
    return read_file(group, "cgroup.procs", kProcessesMaxBytes);
  } catch (const Error& error) {
    if (is_gone(error.errno_value()) || error.errno_value() == EOPNOTSUPP) return {};
    throw;
  }
}
}  // namespace

std::vector<Hierarchy> Hierarchy::all() {
  const std::string top = "/sys/fs/cgroup";
  std::vector<Hierarchy> hierarchies;
  // Each line is ID:NAME:PATH. Source: cgroups(7), /proc/PID/cgroup.
  const auto lines = read_file(AT_FDCWD, "/proc/self/cgroup", kFileMaxBytes);
  for (const auto line : split_words(lines, "\n")) {
    const auto begin = line.find(':') + 1;
    const std::string name{line.substr(begin, line.find(':', begin) - begin)};
    std::optional<UniqueFd> root;
    if (name.empty()) {
      root = open_root(top, CGROUP2_SUPER_MAGIC);
      if (!root) root = open_root(top + "/unified", CGROUP2_SUPER_MAGIC);
    } else {
      constexpr std::string_view kNamed = "name=";
      root = open_root(top + '/' + (name.starts_with(kNamed) ? name.substr(kNamed.size()) : name),
                       CGROUP_SUPER_MAGIC);
    }
    if (root) hierarchies.push_back(Hierarchy{name, *std::move(root)});
  }
  return hierarchies;
}

bool Hierarchy::has_controller(std::string_view controller) const {
  const auto words = split_words(name_, ",");
  return std::find(words.begin(), words.end(), controller) != words.end();
}

bool Hierarchy::make(const std::string& path) const {
  UniqueFd parent;
  int here = root_.get();
  for (const auto word : split_words(path, "/")) {
    const std::string name{word};
    const bool is_new = ::mkdirat(here, name.c_str(), kGroupMode) == 0;
    if (!is_new && (errno == EROFS || errno == EACCES || errno == EPERM)) return false;
    if (!is_new && errno != EEXIST) throw_errno(errno, "make cgroup", path);
    auto group = open_directory(here, name);
    if (has_controller("cpuset")) fill_cpuset(here, group.get());
    parent = std::move(group);
    here = parent.get();
  }
  return true;
}

std::optional<UniqueFd> Hierarchy::open(const std::string& path) const {
  const open_how how{.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  UniqueFd group{openat2(root_.get(), from_root(path), how)};
  if (!group.is_open() && !is_gone(errno)) throw_errno(errno, "open cgroup", path);
  if (!group.is_open()) return std::nullopt;
  return group;
}

std::vector<std::string> Hierarchy::with_descendants(const std::string& path) const {
  std::vector<std::string> paths{path};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto group = open(paths[i]);
    if (!group) continue;
    for (const auto& name : subgroups(group->get())) paths.push_back(paths[i] + '/' + name);
  }
  return paths;
}

std::vector<pid_t> Hierarchy::processes(const std::string& path) const {
  std::vector<pid_t> pids;
  for (const auto& below : with_descendants(path)) {
    const auto group = open(below);
    if (!group) continue;
    const auto lines = read_processes(group->get());
    for (const auto line : split_words(lines, "\n")) {
      constexpr std::uint64_t kPidMax = std::uint64_t{1} << 22;
      const auto pid = parse_number(line, kPidMax);
      if (!pid) throw Error("cgroup.procs: '" + printable(line) + "' is no process id");
      pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  return pids;
}

void Hierarchy::remove(const std::string& path) const {
  // Where it is read-only, unlinkat(2) says so even of what isn't there.
  if (!open(path)) return;
  const auto paths = with_descendants(path);
  for (auto below = paths.rbegin(); below != paths.rend(); ++below) {
    if (::unlinkat(root_.get(), from_root(*below), AT_REMOVEDIR) == 0 || is_gone(errno)) continue;
    throw_errno(errno, "remove cgroup", *below);
  }
}

void write_to_group(int group, const std::string& file, const std::string& content) {
  const UniqueFd fd{check(::openat(group, file.c_str(), O_WRONLY | O_CLOEXEC), "open", file)};
  // The kernel reads a line in one piece.
  check(retry([&] { return ::write(fd.get(), content.data(), content.size()); }),
        "write '" + content + "' to", file);
}

}  // namespace netlend
