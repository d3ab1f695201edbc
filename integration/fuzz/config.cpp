#include "oci-spec/config.hpp"

#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "fuzz/oracle.hpp"
#include "fuzz/targets.hpp"
#include "oci-spec/config_edit.hpp"

namespace netlend::fuzz {

namespace {
using nlohmann::json;

// In the order of oci::NamespaceType.
constexpr std::array kTypes{"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"};
// In the order of their numbers. Source: <asm-generic/resource.h>.
constexpr std::array kResources{"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};

json write_capabilities(std::uint64_t set) {
  auto names = json::array();
  for (int number = 0; number < 64; ++number) {
    if ((set >> number & 1) == 0) continue;
    struct Free {
      void operator()(char* text) const { ::cap_free(text); }
    };
    const std::unique_ptr<char, Free> lower{::cap_to_name(number)};
    std::string name = lower.get();
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    names.push_back(name);
  }
  return names;
}

json write_process(const oci::Process& process) {
  const auto& sets = process.capabilities;
  json object{{"terminal", process.terminal},
              {"user",
               {{"uid", process.user.uid},
                {"gid", process.user.gid},
                {"additionalGids", process.user.additional_gids}}},
              {"args", process.args},
              {"env", process.env},
              {"cwd", process.cwd},
              {"capabilities",
               {{"bounding", write_capabilities(sets.bounding)},
                {"effective", write_capabilities(sets.effective)},
                {"permitted", write_capabilities(sets.permitted)},
                {"inheritable", write_capabilities(sets.inheritable)},
                {"ambient", write_capabilities(sets.ambient)}}},
              {"noNewPrivileges", process.no_new_privileges}};
  if (process.user.umask) object["user"]["umask"] = *process.user.umask;
  if (process.oom_score_adj) object["oomScoreAdj"] = *process.oom_score_adj;
  if (const auto& size = process.console_size) {
    object["consoleSize"] = {{"height", size->rows}, {"width", size->columns}};
  }
  for (const auto& limit : process.rlimits) {
    const std::string name = kResources.at(static_cast<std::size_t>(limit.resource));
    object["rlimits"].push_back(
        {{"type", "RLIMIT_" + name}, {"soft", limit.soft}, {"hard", limit.hard}});
  }
  return object;
}

json write_hooks(const std::vector<oci::Hook>& hooks) {
  auto list = json::array();
  for (const auto& hook : hooks) {
    json object{{"path", hook.path}, {"args", hook.args}, {"env", hook.env}};
    if (hook.timeout_s) object["timeout"] = *hook.timeout_s;
    list.push_back(object);
  }
  return list;
}

json write_rule(const oci::DeviceRule& rule) {
  constexpr std::array kRuleTypes{"a", "c", "b"};
  std::string access;
  if ((rule.access & oci::kDeviceRead) != 0) access += 'r';
  if ((rule.access & oci::kDeviceWrite) != 0) access += 'w';
  if ((rule.access & oci::kDeviceMknod) != 0) access += 'm';
  json object{{"allow", rule.allow},
              {"type", kRuleTypes.at(static_cast<std::size_t>(rule.type))},
              {"access", access}};
  if (rule.major) object["major"] = *rule.major;
  if (rule.minor) object["minor"] = *rule.minor;
  return object;
}

json write_device(const oci::Device& device) {
  const char* type = S_ISCHR(device.mode) ? "c" : S_ISBLK(device.mode) ? "b" : "p";
  return {{"path", device.path},
          {"type", type},
          {"major", device.major},
          {"minor", device.minor},
          {"uid", device.uid},
          {"gid", device.gid},
          {"fileMode", device.mode & 07777}};
}

std::string propagation_name(unsigned long flags) {
  const std::string prefix = (flags & MS_REC) != 0 ? "r" : "";
  if ((flags & MS_SHARED) != 0) return prefix + "shared";
  if ((flags & MS_SLAVE) != 0) return prefix + "slave";
  return prefix + ((flags & MS_PRIVATE) != 0 ? "private" : "unbindable");
}

json write_linux(const oci::Linux& part) {
  json object{{"maskedPaths", part.masked_paths}, {"readonlyPaths", part.readonly_paths}};
  for (const auto& entry : part.namespaces) {
    json written{{"type", kTypes.at(static_cast<std::size_t>(entry.type))}};
    if (entry.path) written["path"] = *entry.path;
    object["namespaces"].push_back(written);
  }
  for (const auto& device : part.devices) object["devices"].push_back(write_device(device));
  for (const auto& rule : part.resources.devices) {
    object["resources"]["devices"].push_back(write_rule(rule));
  }
  for (const auto& device : part.network_devices) {
    object["netDevices"][device.name] = {{"name", device.name_inside}};
  }
  if (part.cgroups_path) object["cgroupsPath"] = *part.cgroups_path;
  if (part.rootfs_propagation) {
    object["rootfsPropagation"] = propagation_name(*part.rootfs_propagation);
  }
  return object;
}

std::string write_config(const oci::Config& config) {
  const auto& hooks = config.hooks;
  json object{{"ociVersion", config.oci_version},
              {"root", {{"path", config.root.path}, {"readonly", config.root.readonly}}},
              {"hostname", config.hostname},
              {"domainname", config.domainname},
              {"hooks",
               {{"prestart", write_hooks(hooks.prestart)},
                {"createRuntime", write_hooks(hooks.create_runtime)},
                {"createContainer", write_hooks(hooks.create_container)},
                {"startContainer", write_hooks(hooks.start_container)},
                {"poststart", write_hooks(hooks.poststart)},
                {"poststop", write_hooks(hooks.poststop)}}},
              {"annotations", config.annotations},
              {"linux", write_linux(config.linux)}};
  if (config.process) object["process"] = write_process(*config.process);
  for (const auto& mount : config.mounts) {
    object["mounts"].push_back({{"destination", mount.destination},
                                {"type", mount.type},
                                {"source", mount.source},
                                {"options", mount.options}});
  }
  return object.dump();
}

void require_absolute(const std::vector<std::string>& paths) {
  for (const auto& path : paths) require(path.starts_with('/'), "a path is absolute");
}

void require_sense(const oci::Config& config) {
  std::set<oci::NamespaceType> types;
  for (const auto& entry : config.linux.namespaces) {
    require(types.insert(entry.type).second, "a type of namespace is there once");
    require(!entry.path || entry.path->starts_with('/'), "a namespace has an absolute path");
  }
  require_absolute(config.linux.masked_paths);
  require_absolute(config.linux.readonly_paths);
  require(config.linux.network_devices.empty() || types.contains(oci::NamespaceType::network),
          "network devices go to a namespace");
  for (const auto& mount : config.mounts) require_absolute({mount.destination});
  if (config.process) require_absolute({config.process->cwd});
  for (const auto& warning : config.warnings) require_sentence(warning);
}

/// Of what another runtime is to read in place of the input.
void require_changed(std::string_view input) {
  const auto wish = accepted([&] { return oci::parse_network_wish(input); });
  if (!wish || !wish->has_namespace) return;
  const oci::ConfigChanges changes{.netns_path = "/run/netlend/pins/a",
                                   .capabilities = {"CAP_NET_RAW"},
                                   .sysctls = wish->sysctls,
                                   .hook_path = "/netlend-hook"};
  const auto once = accepted([&] { return oci::change_config(input, changes); });
  if (!once) return;
  const auto found = oci::parse_network_wish(*once);
  require(found.netns_path == changes.netns_path, "it names the namespace");
  require(found.sysctls.empty(), "the sysctls are gone");
  require(found.has_devices == wish->has_devices, "what isn't changed is still there");
  require(oci::change_config(*once, changes) == *once, "it is changed only once");
}
}  // namespace

/// config.json of a bundle, as the runtime reads it and as the hook does.
void config(std::string_view input) {
  require_changed(input);
  const auto annotations = accepted([&] { return oci::parse_config_annotations(input); });
  auto config = accepted([&] { return oci::parse_config(input); });
  if (!config) return;
  require(annotations == config->annotations, "the hook reads what the runtime reads");
  require_sense(*config);
  // What a warning says has no effect, and isn't written.
  config->warnings.clear();
  const auto again = accepted([&] { return oci::parse_config(write_config(*config)); });
  require(again && *again == *config, "a config is read as it was written");
}

}  // namespace netlend::fuzz
