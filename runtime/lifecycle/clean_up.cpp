#include "lifecycle/clean_up.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <csignal>

#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "container/hooks.hpp"
#include "lifecycle/bundle.hpp"
#include "lifecycle/bundle_loans.hpp"
#include "lifecycle/signal_container.hpp"

namespace netlend {

namespace {
constexpr int kKillTimeoutMs = 10'000;

/// With all that still runs in it: a container without a pid namespace of its own doesn't end with
/// its first process.
Failures remove_cgroup(const ContainerRecord& record) noexcept {
  if (!record.cgroup) return {};
  const Cgroup cgroup(*record.cgroup);
  auto failures = cgroup.kill_all();
  return failures.empty() ? cgroup.remove() : failures;
}

void run_poststop_hooks(const Runtime& runtime, const ContainerFolder& folder,
                        const ContainerRecord& record) {
  const auto config = parse_bundle_config(folder.load_config());
  if (config.hooks.poststop.empty()) return;
  // The bundle may be gone by now.
  UniqueFd bundle{::open(record.bundle.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!bundle.is_open()) bundle = UniqueFd{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const auto state = state_text(record, "stopped", std::nullopt);
  const auto failures = run_all_hooks(
      {.stage = "poststop", .state = state, .working_folder = bundle.get()}, config.hooks.poststop);
  // The spec wants them to be warnings: runtime.md, "Lifecycle", 13.
  for (const auto& failure : failures) runtime.note(failure.what);
}
}  // namespace

void kill_first_process(const ContainerRecord& record) {
  const auto process = open_first_process(record);
  if (!process) return;
  // ESRCH: it ended meanwhile.
  if (send_signal(process->get(), SIGKILL) == -1 && errno != ESRCH) {
    throw_errno(errno, "kill container", record.id.str());
  }
  if (!wait_for_exit(process->get(), kKillTimeoutMs)) {
    throw Error(fmt::format("container '{}' did not end within {} s of being killed",
                            record.id.str(), kKillTimeoutMs / 1000));
  }
}

Failures clean_up(const Runtime& runtime, const ContainerFolder& folder,
                  const ContainerRecord& record) noexcept {
  Failures failures;
  attempt(failures, [&] { kill_first_process(record); });
  const bool is_dead = failures.empty();
  for (auto& failure : give_back_from(runtime.lending, record)) {
    failures.push_back(std::move(failure));
  }
  const auto cgroup_failures = remove_cgroup(record);
  const bool has_cgroup = !cgroup_failures.empty();
  failures.insert(failures.end(), cgroup_failures.begin(), cgroup_failures.end());
  attempt(failures, [&] { run_poststop_hooks(runtime, folder, record); });
  if (is_dead && !has_cgroup) attempt(failures, [&] { folder.remove(); });
  return failures;
}

}  // namespace netlend
