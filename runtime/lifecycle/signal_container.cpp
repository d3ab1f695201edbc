#include "lifecycle/signal_container.hpp"

#include <fmt/core.h>

#include <csignal>
#include <cstring>

#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
/// 0 where there is none of that name.
int signal_named(std::string_view name) {
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  if (name == "RTMIN") return SIGRTMIN;
  if (name == "RTMAX") return SIGRTMAX;
  return 0;
}

void signal_cgroup(const Cgroup& cgroup, int signal) {
  for (const pid_t pid : cgroup.processes()) {
    // 0 is one of a pid namespace that can't be seen from here, and kill(2) takes it for our own
    // process group.
    if (pid == 0) continue;
    // ESRCH: it ended meanwhile.
    if (::kill(pid, signal) == -1 && errno != ESRCH) {
      throw_errno(errno, "signal process", std::to_string(pid));
    }
  }
}
}  // namespace

std::optional<UniqueFd> open_first_process(const ContainerRecord& record) {
  if (!record.init) return std::nullopt;
  if (liveness(*record.init) == Liveness::unknown) {
    throw Error(fmt::format(
        "container '{}' was made in another pid namespace and can only be reached from there",
        record.id.str()));
  }
  UniqueFd process;
  try {
    process = open_pidfd(record.init->pid);
  } catch (const Error& error) {
    if (error.errno_value() != ESRCH) throw;
    return std::nullopt;
  }
  // Looked at after it is open: a later process that has got its pid is not the one.
  if (liveness(*record.init) == Liveness::dead) return std::nullopt;
  return process;
}

void signal_container(const ContainerStore& containers, const ContainerId& id, int signal,
                      SignalTo to) {
  const auto view = containers.get(id);
  // Where others share the pid namespace, they outlive the first process, and engines end them so.
  if (to == SignalTo::all_processes && view.record.cgroup &&
      view.status != ContainerStatus::creating) {
    return signal_cgroup(Cgroup(*view.record.cgroup), signal);
  }
  const auto process = open_first_process(view.record);
  // Engines look for "container not running" in it.
  if (!process || view.status == ContainerStatus::creating) {
    throw Error(fmt::format("container not running: '{}' is {}", id.str(),
                            status_name(process ? view.status : ContainerStatus::stopped)),
                ESRCH);
  }
  check(send_signal(process->get(), signal), "signal container", id.str());
}

int parse_signal(std::string_view text) {
  constexpr std::string_view kPrefix = "SIG";
  constexpr std::string_view kRealTime = "RTMIN+";
  if (const auto number = parse_number(text, static_cast<std::uint64_t>(SIGRTMAX))) {
    return static_cast<int>(*number);
  }
  auto name = text;
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  if (name.starts_with(kRealTime)) {
    const auto beyond = parse_number(name.substr(kRealTime.size()),
                                     static_cast<std::uint64_t>(SIGRTMAX - SIGRTMIN));
    if (beyond) return SIGRTMIN + static_cast<int>(*beyond);
  }
  if (const int signal = signal_named(name); signal != 0) return signal;
  throw Error::usage(
      fmt::format("'{}' is no signal; write a number or a name, KILL or SIGKILL", printable(text)));
}

}  // namespace netlend
