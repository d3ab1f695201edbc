#include "net/kernel/sysctl.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr std::array<const char*, 4> kFamilies{"ipv4/conf", "ipv4/neigh", "ipv6/conf",
                                               "ipv6/neigh"};

void check_is_proc(int fd) {
  struct statfs fs {};
  if (::fstatfs(fd, &fs) == -1 || fs.f_type != PROC_SUPER_MAGIC) {
    throw Error("/proc/sys/net is not the kernel's; mount proc on /proc");
  }
}

/// Those that can be written, of any device: the kernel's tables of a family are the same for all.
/// Empty where the device is renamed meanwhile, for its folder then ends under our hands.
/// Source: net/ipv4/devinet.c, net/ipv6/addrconf.c, net/core/neighbour.c.
std::vector<std::string> find_writable(int folder) {
  std::vector<std::string> writable;
  for (auto& name : list_names(folder)) {
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, 0) == -1) return {};
    const bool is_writable = (status.st_mode & S_IWUSR) != 0;
    if (is_writable && name != "addr_gen_mode") writable.push_back(std::move(name));
  }
  return writable;
}

void read_folder(int folder, const std::string& family, Sysctls& sysctls) {
  // A device is looked at several times on its way, at some 140 files each time.
  static std::map<std::string, std::vector<std::string>> writable;
  auto& known = writable[family];
  if (known.empty()) known = find_writable(folder);
  for (const auto& name : known) {
    try {
      auto value = read_attribute(folder, name);
      if (value) sysctls.emplace(fmt::format("{}/{}", family, name), *std::move(value));
    } catch (const Error& error) {
      // stable_secret answers EIO until it is set.
      if (error.errno_value() != EIO) throw;
    }
  }
}
}  // namespace

Sysctls read_sysctls(const Netns& netns, const std::string& device) {
  Sysctls sysctls;
  run_in_netns(netns, [&] {
    for (const std::string family : kFamilies) {
      const std::string path = fmt::format("/proc/sys/net/{}/{}", family, device);
      const UniqueFd folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
      if (!folder.is_open() && errno == ENOENT) continue;  // This family is off for the device.
      check(folder.get(), "open", path);
      check_is_proc(folder.get());
      read_folder(folder.get(), family, sysctls);
    }
  });
  return sysctls;
}

namespace {
std::string path_of(const std::string& device, const std::string& key) {
  const auto name_start = key.rfind('/');
  return fmt::format("/proc/sys/net/{}/{}/{}", key.substr(0, name_start), device,
                     key.substr(name_start + 1));
}
}  // namespace

std::optional<std::string> read_sysctl(const Netns& netns, const std::string& device,
                                       const std::string& key) {
  std::optional<std::string> value;
  const std::filesystem::path path = path_of(device, key);
  run_in_netns(netns, [&] {
    const UniqueFd folder{::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!folder.is_open() && errno == ENOENT) return;
    check_is_proc(check(folder.get(), "open", path.parent_path().string()));
    value = read_attribute(folder.get(), path.filename());
  });
  return value;
}

std::string sysctl_name(const std::string& key, std::string device) {
  std::replace(device.begin(), device.end(), '.', '/');
  std::string name = "net." + key.substr(0, key.rfind('/')) + "/";
  std::replace(name.begin(), name.end(), '/', '.');
  return name + printable(device) + "." + key.substr(key.rfind('/') + 1);
}

void write_sysctl(const Netns& netns, const std::string& device, const std::string& key,
                  const std::string& value) {
  const std::string path = path_of(device, key);
  run_in_netns(netns, [&] {
    const UniqueFd file{check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open", path)};
    check_is_proc(file.get());
    write_all(file.get(), value, path);
  });
}

}  // namespace netlend
