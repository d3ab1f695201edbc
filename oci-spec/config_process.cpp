#include <fmt/core.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.hpp"
#include "oci-spec/config_parts.hpp"

namespace netlend::oci {

namespace {
// In the order of their numbers. Source: <linux/capability.h>.
constexpr std::array<std::string_view, CAP_LAST_CAP + 1> kCapabilityNames{
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

struct ResourceName {
  std::string_view name;
  int resource;
};
constexpr std::array kResourceNames{
    ResourceName{"RLIMIT_AS", RLIMIT_AS},
    ResourceName{"RLIMIT_CORE", RLIMIT_CORE},
    ResourceName{"RLIMIT_CPU", RLIMIT_CPU},
    ResourceName{"RLIMIT_DATA", RLIMIT_DATA},
    ResourceName{"RLIMIT_FSIZE", RLIMIT_FSIZE},
    ResourceName{"RLIMIT_LOCKS", RLIMIT_LOCKS},
    ResourceName{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    ResourceName{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    ResourceName{"RLIMIT_NICE", RLIMIT_NICE},
    ResourceName{"RLIMIT_NOFILE", RLIMIT_NOFILE},
    ResourceName{"RLIMIT_NPROC", RLIMIT_NPROC},
    ResourceName{"RLIMIT_RSS", RLIMIT_RSS},
    ResourceName{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    ResourceName{"RLIMIT_RTTIME", RLIMIT_RTTIME},
    ResourceName{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    ResourceName{"RLIMIT_STACK", RLIMIT_STACK},
};

constexpr int kOomScoreAdjMax = 1000;  // proc(5), /proc/PID/oom_score_adj
constexpr mode_t kUmaskMax = 0777;

ConsoleSize read_console_size(const JsonNode& node) {
  // struct winsize has 16 bits for each.
  constexpr std::int64_t kMax = std::numeric_limits<std::uint16_t>::max();
  return {.rows = static_cast<std::uint16_t>(node.at("height").number(0, kMax)),
          .columns = static_cast<std::uint16_t>(node.at("width").number(0, kMax))};
}

// The last one, (uid_t)-1, means "leave it" to the kernel.
std::uint32_t read_id(const JsonNode& node) {
  return static_cast<std::uint32_t>(
      node.number(0, std::int64_t{std::numeric_limits<std::uint32_t>::max()} - 1));
}

User read_user(const JsonNode& node) {
  User user{.uid = read_id(node.at("uid")), .gid = read_id(node.at("gid"))};
  if (const auto umask = find_present(node, "umask")) {
    user.umask = static_cast<mode_t>(umask->number(0, kUmaskMax));
  }
  if (const auto groups = find_present(node, "additionalGids")) {
    for (const auto& group : groups->elements()) user.additional_gids.push_back(read_id(group));
  }
  refuse_unsupported(node, {"username"});
  return user;
}

// A name that this kernel's header doesn't know is to be a warning and no error. Source:
// runtime-spec, config.md, "capabilities".
std::uint64_t read_capability_set(const JsonNode& sets, std::string_view name,
                                  std::vector<std::string>& warnings) {
  std::uint64_t bits = 0;
  const auto set = find_present(sets, name);
  if (!set) return bits;
  for (const auto& element : set->elements()) {
    const auto text = element.text();
    const auto* const found =
        std::find(kCapabilityNames.begin(), kCapabilityNames.end(), std::string_view{text});
    if (found == kCapabilityNames.end()) {
      warnings.push_back(fmt::format("{}: unknown capability '{}' is left out", element.pointer(),
                                     printable(text)));
    } else {
      bits |= std::uint64_t{1} << (found - kCapabilityNames.begin());
    }
  }
  return bits;
}

Capabilities read_capabilities(const JsonNode& node, std::vector<std::string>& warnings) {
  return {.bounding = read_capability_set(node, "bounding", warnings),
          .effective = read_capability_set(node, "effective", warnings),
          .permitted = read_capability_set(node, "permitted", warnings),
          .inheritable = read_capability_set(node, "inheritable", warnings),
          .ambient = read_capability_set(node, "ambient", warnings)};
}

int read_resource(const JsonNode& node) {
  const auto text = node.text();
  const auto* const found =
      std::find_if(kResourceNames.begin(), kResourceNames.end(),
                   [&](const ResourceName& known) { return known.name == text; });
  if (found == kResourceNames.end()) {
    node.fail(fmt::format("unknown resource '{}'; see getrlimit(2)", printable(text)));
  }
  return found->resource;
}

std::vector<Rlimit> read_rlimits(const JsonNode& node) {
  std::vector<Rlimit> limits;
  for (const auto& element : node.elements()) {
    const Rlimit limit{.resource = read_resource(element.at("type")),
                       .soft = element.at("soft").unsigned_number(),
                       .hard = element.at("hard").unsigned_number()};
    if (limit.soft > limit.hard) element.fail("'soft' is above 'hard'");
    for (const auto& earlier : limits) {
      if (earlier.resource == limit.resource) element.fail("this resource has a limit already");
    }
    limits.push_back(limit);
  }
  return limits;
}
}  // namespace

Process read_process(const JsonNode& node, std::vector<std::string>& warnings) {
  Process process{.terminal = read_flag(node, "terminal"),
                  .args = read_texts(node, "args"),
                  .env = read_texts(node, "env"),
                  .cwd = read_absolute_path(node.at("cwd")),
                  .no_new_privileges = read_flag(node, "noNewPrivileges")};
  // Without a terminal the spec wants it ignored.
  const auto size = process.terminal ? find_present(node, "consoleSize") : std::nullopt;
  if (size) process.console_size = read_console_size(*size);
  if (const auto user = find_present(node, "user")) process.user = read_user(*user);
  if (const auto sets = find_present(node, "capabilities")) {
    process.capabilities = read_capabilities(*sets, warnings);
  }
  if (const auto limits = find_present(node, "rlimits")) process.rlimits = read_rlimits(*limits);
  if (const auto score = find_present(node, "oomScoreAdj")) {
    process.oom_score_adj = static_cast<int>(score->number(-kOomScoreAdjMax, kOomScoreAdjMax));
  }
  refuse_unsupported(node, {"apparmorProfile", "commandLine", "execCPUAffinity", "ioPriority",
                            "scheduler", "selinuxLabel"});
  return process;
}

}  // namespace netlend::oci
