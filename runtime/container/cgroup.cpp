#include "container/cgroup.hpp"

#include <fmt/core.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/device_rules.hpp"
#include "container/hierarchy.hpp"

namespace netlend {

namespace {
// Groups below this one are nobody's but ours.
constexpr std::string_view kOwnFolder = "/netlend/";
constexpr std::int64_t kKillTimeoutMs = 10'000;

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

// Source: bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE.
UniqueFd load_device_program(const std::vector<bpf_insn>& program) {
  bpf_attr loading{};
  loading.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  loading.expected_attach_type = BPF_CGROUP_DEVICE;
  loading.insns = reinterpret_cast<std::uintptr_t>(program.data());
  loading.insn_cnt = static_cast<std::uint32_t>(program.size());
  loading.license = reinterpret_cast<std::uintptr_t>("");
  return UniqueFd{
      check(bpf(BPF_PROG_LOAD, loading), "load a BPF program for", "/linux/resources/devices")};
}

// It stays for as long as the group does. Others attached there, as systemd's, must agree with it.
void attach_device_program(int group, const std::vector<bpf_insn>& program) {
  const UniqueFd loaded = load_device_program(program);
  bpf_attr attaching{};
  attaching.target_fd = static_cast<std::uint32_t>(group);
  attaching.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
  attaching.attach_type = BPF_CGROUP_DEVICE;
  attaching.attach_flags = BPF_F_ALLOW_MULTI;
  check(bpf(BPF_PROG_ATTACH, attaching), "attach a BPF program for", "/linux/resources/devices");
}

// The group of the hierarchy that watches over devices; version 1 has it wherever it is mounted.
bool set_devices(const std::vector<Hierarchy>& hierarchies, const std::string& path,
                 const std::vector<oci::DeviceRule>& rules) {
  for (const auto& hierarchy : hierarchies) {
    const auto group =
        hierarchy.has_controller("devices") ? hierarchy.open(path) : std::optional<UniqueFd>{};
    if (!group) continue;
    for (const auto& [file, line] : device_writes(rules)) write_to_group(group->get(), file, line);
    return true;
  }
  for (const auto& hierarchy : hierarchies) {
    const auto group = hierarchy.is_version_2() ? hierarchy.open(path) : std::optional<UniqueFd>{};
    if (!group) continue;
    attach_device_program(group->get(), device_program(rules));
    return true;
  }
  return false;
}

[[noreturn]] void throw_no_devices(const std::string& path) {
  throw Error(fmt::format(
      "/linux/resources/devices: no cgroup '{}' that controls devices can be made below "
      "/sys/fs/cgroup; mount it writable, or leave the rules out",
      printable(path)));
}

void refuse_strangers(const std::vector<Hierarchy>& hierarchies, const std::string& path) {
  for (const auto& hierarchy : hierarchies) {
    if (!hierarchy.open(path) || hierarchy.processes(path).empty()) continue;
    throw Error(fmt::format(
        "make cgroup '{}': processes run in it already; choose another linux.cgroupsPath",
        printable(path)));
  }
}

struct Victim {
  pid_t pid = 0;
  UniqueFd pidfd;
};

std::vector<Victim> open_victims(const std::vector<pid_t>& pids) {
  std::vector<Victim> victims;
  for (const pid_t pid : pids) {
    if (pid == 0) continue;  // in a pid namespace that can't be seen from here
    UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (pidfd.is_open()) victims.push_back({pid, std::move(pidfd)});
  }
  return victims;
}

// False where the kernel has no cgroup.kill.
bool kill_group(const Hierarchy& hierarchy, const std::string& path) {
  const auto group = hierarchy.open(path);
  if (!group || ::faccessat(group->get(), "cgroup.kill", W_OK, 0) != 0) return false;
  write_to_group(group->get(), "cgroup.kill", "1");
  return true;
}

void kill_each(const std::vector<Victim>& victims, const std::vector<pid_t>& listed_since) {
  const std::set<pid_t> still{listed_since.begin(), listed_since.end()};
  for (const auto& victim : victims) {
    // One that is not listed any more ended, and a stranger may have its pid.
    if (!still.contains(victim.pid)) continue;
    // It may end in between: ESRCH.
    static_cast<void>(send_signal(victim.pidfd.get(), SIGKILL));
  }
}

// Again and again, since what is killed one by one may fork meanwhile.
void kill_processes(const Hierarchy& hierarchy, const std::string& path) {
  const std::int64_t deadline = monotonic_ms() + kKillTimeoutMs;
  for (auto pids = hierarchy.processes(path); !pids.empty(); pids = hierarchy.processes(path)) {
    const auto victims = open_victims(pids);
    if (!kill_group(hierarchy, path)) kill_each(victims, hierarchy.processes(path));
    for (const auto& victim : victims) {
      wait_for_exit(victim.pidfd.get(),
                    static_cast<int>(std::max<std::int64_t>(deadline - monotonic_ms(), 0)));
    }
    if (monotonic_ms() < deadline) continue;
    throw Error(fmt::format("kill what runs in cgroup '{}': process {} is still there after {} s",
                            printable(path), pids.front(), kKillTimeoutMs / 1000));
  }
}
}  // namespace

std::string cgroup_path(const std::optional<std::string>& cgroups_path, const ContainerId& id) {
  if (!cgroups_path) return std::string(kOwnFolder) + id.str();
  return cgroups_path->starts_with('/') ? *cgroups_path : std::string(kOwnFolder) + *cgroups_path;
}

std::optional<std::string> why_no_device_rules() {
  const auto hierarchies = Hierarchy::all();
  const auto is_devices = [](const Hierarchy& one) { return one.has_controller("devices"); };
  if (std::any_of(hierarchies.begin(), hierarchies.end(), is_devices)) return std::nullopt;
  const auto is_version_2 = [](const Hierarchy& one) { return one.is_version_2(); };
  if (std::none_of(hierarchies.begin(), hierarchies.end(), is_version_2)) {
    return "no cgroups are mounted at /sys/fs/cgroup";
  }
  try {
    load_device_program(device_program(container_device_rules({})));
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
}

CgroupRecord Cgroup::plan(const std::string& path) {
  CgroupRecord record{.path = path, .made = {}};
  for (const auto& hierarchy : Hierarchy::all()) {
    const bool is_ours = path.starts_with(kOwnFolder) || !hierarchy.open(path);
    if (is_ours) record.made.push_back(hierarchy.name());
  }
  return record;
}

std::optional<Cgroup> Cgroup::make(const CgroupRecord& plan, const oci::Resources& resources) {
  const auto& path = plan.path;
  const auto hierarchies = Hierarchy::all();
  refuse_strangers(hierarchies, path);
  Cgroup cgroup{plan};
  try {
    // A rest of a container that nobody deleted, with rules of its own.
    if (path.starts_with(kOwnFolder)) {
      for (const auto& hierarchy : hierarchies) hierarchy.remove(path);
    }
    const auto places =
        std::count_if(hierarchies.begin(), hierarchies.end(),
                      [&](const Hierarchy& hierarchy) { return hierarchy.make(path); });
    // An administrator's group keeps what it has unless the config says otherwise.
    const bool is_wanted = !plan.made.empty() || !resources.devices.empty();
    const bool is_set =
        is_wanted && set_devices(hierarchies, path, container_device_rules(resources.devices));
    if (!is_set && !resources.devices.empty()) throw_no_devices(path);
    if (places == 0) return std::nullopt;
  } catch (...) {
    static_cast<void>(cgroup.remove());  // the error at hand says more
    throw;
  }
  return cgroup;
}

void Cgroup::add(pid_t pid) const {
  for (const auto& hierarchy : Hierarchy::all()) {
    const auto group = hierarchy.open(record_.path);
    if (group) write_to_group(group->get(), "cgroup.procs", std::to_string(pid));
  }
}

std::vector<pid_t> Cgroup::processes() const {
  for (const auto& hierarchy : Hierarchy::all()) {
    if (hierarchy.open(record_.path)) return hierarchy.processes(record_.path);
  }
  return {};
}

bool Cgroup::exists() const {
  const auto hierarchies = Hierarchy::all();
  return std::any_of(hierarchies.begin(), hierarchies.end(), [&](const Hierarchy& hierarchy) {
    return hierarchy.open(record_.path).has_value();
  });
}

Failures Cgroup::kill_all() const noexcept {
  Failures failures;
  attempt(failures, [&] {
    auto hierarchies = Hierarchy::all();
    // Version 2 first: it kills whole groups, and then the others list nobody.
    std::partition(hierarchies.begin(), hierarchies.end(),
                   [](const Hierarchy& hierarchy) { return hierarchy.is_version_2(); });
    for (const auto& hierarchy : hierarchies) {
      attempt(failures, [&] { kill_processes(hierarchy, record_.path); });
    }
  });
  return failures;
}

Failures Cgroup::remove() const noexcept {
  Failures failures;
  attempt(failures, [&] {
    for (const auto& hierarchy : Hierarchy::all()) {
      const auto& made = record_.made;
      if (std::find(made.begin(), made.end(), hierarchy.name()) == made.end()) continue;
      attempt(failures, [&] { hierarchy.remove(record_.path); });
    }
  });
  return failures;
}

}  // namespace netlend
