#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci-spec/fields.hpp"

/// config.json of a bundle. Source: runtime-spec, config.md and config-linux.md. What is absent
/// there is empty or false here unless its comment says otherwise.
namespace netlend::oci {

struct Root {
  /// Absolute, or relative to the bundle.
  std::string path;
  bool readonly = false;
  bool operator==(const Root&) const = default;
};

struct Mount {
  /// An absolute path in the container. A relative one, as old configs have, begins at its root.
  std::string destination;
  std::string type;
  /// For a bind mount absolute, or relative to the bundle.
  std::string source;
  /// As written; what is no option of mount(8) is meant for the file system.
  std::vector<std::string> options;
  bool operator==(const Mount&) const = default;
};

struct ConsoleSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool operator==(const ConsoleSize&) const = default;
};

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  /// Absent: the runtime's own choice.
  std::optional<mode_t> umask;
  std::vector<gid_t> additional_gids;
  bool operator==(const User&) const = default;
};

/// Sets of capabilities: bit N stands for capability N of <linux/capability.h>.
struct Capabilities {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t ambient = 0;
  bool operator==(const Capabilities&) const = default;
};

struct Rlimit {
  /// RLIMIT_* of getrlimit(2).
  int resource = 0;
  rlim_t soft = 0;
  rlim_t hard = 0;
  bool operator==(const Rlimit&) const = default;
};

struct Process {
  bool terminal = false;
  /// Absent without a terminal, whatever the config says.
  std::optional<ConsoleSize> console_size;
  User user;
  /// May be empty until the container is started.
  std::vector<std::string> args;
  std::vector<std::string> env;
  /// An absolute path in the container.
  std::string cwd;
  Capabilities capabilities;
  /// Each resource at most once.
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  /// -1000 to 1000; absent: left as it is.
  std::optional<int> oom_score_adj;
  bool operator==(const Process&) const = default;
};

struct Hook {
  /// An absolute path: in the runtime's mount namespace, for startContainer in the container's.
  std::string path;
  /// The whole argv; empty: the path alone.
  std::vector<std::string> args;
  /// The whole environment; empty: that of who runs it.
  std::vector<std::string> env;
  /// Above 0; absent: as long as it takes.
  std::optional<int> timeout_s;
  bool operator==(const Hook&) const = default;
};

/// Each list in the order to run it in.
struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> create_runtime;
  std::vector<Hook> create_container;
  std::vector<Hook> start_container;
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
  bool operator==(const Hooks&) const = default;
};

enum class NamespaceType { pid, network, mount, ipc, uts, user, cgroup, time };

struct Namespace {
  NamespaceType type = NamespaceType::network;
  /// An absolute path; absent: a new one is made.
  std::optional<std::string> path;
  bool operator==(const Namespace&) const = default;
};

/// A device node or FIFO that is to be in the container.
struct Device {
  /// An absolute path in the container.
  std::string path;
  /// Type and permissions, as mknod(2) takes them; the permissions are 0666 where none are given.
  mode_t mode = 0;
  /// 0 for a FIFO.
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const Device&) const = default;
};

enum class DeviceRuleType { all, character, block };

/// What a DeviceRule speaks of, as bits. Their values are those of BPF_DEVCG_ACC_* of
/// <linux/bpf.h>.
inline constexpr unsigned kDeviceMknod = 1;
inline constexpr unsigned kDeviceRead = 2;
inline constexpr unsigned kDeviceWrite = 4;
inline constexpr unsigned kDeviceAccessAll = kDeviceMknod | kDeviceRead | kDeviceWrite;

/// One rule for the device cgroup; a later rule overrides an earlier one.
struct DeviceRule {
  bool allow = false;
  DeviceRuleType type = DeviceRuleType::all;
  /// Absent: any.
  std::optional<std::uint32_t> major;
  std::optional<std::uint32_t> minor;
  unsigned access = kDeviceAccessAll;
  bool operator==(const DeviceRule&) const = default;
};

struct Resources {
  /// In the order to apply them in.
  std::vector<DeviceRule> devices;
  bool operator==(const Resources&) const = default;
};

/// The object `linux`.
/// A device that is moved into the container. Source: config-linux.md, "Network Devices".
struct NetworkDevice {
  /// Its name in the runtime's network namespace.
  std::string name;
  /// Its name inside, which may end in "%d"; empty: the same.
  std::string name_inside;
  bool operator==(const NetworkDevice&) const = default;
};

struct Linux {
  /// Each type at most once, and never `user`; a type that is missing is inherited from the
  /// runtime.
  std::vector<Namespace> namespaces;
  std::vector<Device> devices;
  /// Absent: the runtime's own choice.
  std::optional<std::string> cgroups_path;
  Resources resources;
  /// MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC where it says so ("rslave").
  /// Absent: the runtime's own choice.
  std::optional<unsigned long> rootfs_propagation;
  /// Absolute paths in the container; what isn't there needs no hiding.
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  /// In the order of their names here; there is a `network` namespace then.
  std::vector<NetworkDevice> network_devices;
  bool operator==(const Linux&) const = default;
};

struct Config {
  std::string oci_version;
  Root root;
  /// In the order to mount them in.
  std::vector<Mount> mounts;
  /// Absent: the container can be created, but not started.
  std::optional<Process> process;
  /// Empty: left as it is; else there is a `uts` namespace among linux.namespaces.
  std::string hostname;
  std::string domainname;
  Hooks hooks;
  Annotations annotations;
  Linux linux;
  /// What the spec wants to be told to the user and not to be an error, each with its JSON pointer.
  std::vector<std::string> warnings;
  bool operator==(const Config&) const = default;
};

/// All of config.json. Throws Error with a JSON pointer, also for what the spec names and netlend
/// can't do, unless it asks for nothing (null or empty). Properties that the spec doesn't name are
/// passed over.
Config parse_config(std::string_view json_text);

/// Nothing but the annotations of a config.json, which may be meant for any runtime. Throws Error
/// with a JSON pointer.
Annotations parse_config_annotations(std::string_view json_text);

}  // namespace netlend::oci
