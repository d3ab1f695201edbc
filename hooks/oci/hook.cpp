#include "oci-hook/hook.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/process.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "guardian/lend_by_policy.hpp"
#include "net/inject.hpp"
#include "net/ledger/state_directory.hpp"
#include "net/lending.hpp"
#include "net/plan/plan_parse.hpp"
#include "net/policy/policy.hpp"
#include "oci-hook/address_checks.hpp"
#include "oci-hook/hygiene.hpp"
#include "oci-spec/config.hpp"
#include "oci-spec/state.hpp"
#include "privilege/capabilities.hpp"

namespace netlend {

namespace {
constexpr unsigned kDeadlineMax = 3600;

HookStage parse_stage(std::string_view text) {
  if (text == "createRuntime" || text == "prestart") return HookStage::create_runtime;
  if (text == "poststop") return HookStage::poststop;
  if (text == "precreate") return HookStage::precreate;
  // createContainer's pid 1 is seen with the host's /proc: its namespace would be the host's.
  throw Error::usage(
      fmt::format("stage '{}': register it as createRuntime and poststop", printable(text)));
}

oci::State read_state(std::string_view text) {
  try {
    return oci::parse_state(text);
  } catch (const Error& error) {
    throw error.within("the container's state on standard input");
  }
}

/// Does something with the text of the bundle's config.json, which errors then name.
template <typename Work>
auto with_config(const std::string& bundle, Work work) {
  const std::string path = bundle + "/config.json";
  try {
    // O_NONBLOCK: a FIFO has no writer to wait for.
    const UniqueFd file{
        check(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open", path)};
    return work(read_all(file.get(), JsonDocument::kBytesMax, path));
  } catch (const Error& error) {
    throw error.within(fmt::format("'{}'", printable(path)));
  }
}

void check_may_have_addresses(const oci::State& state, const HookNote& note) {
  with_config(state.bundle, [&](const std::string& text) {
    check_capabilities(text, state.id);
    if (const auto why = why_not_confined(text, state.id)) note(*why);
  });
}

void require_privilege() {
  if (can_administer_network()) return;
  throw Error(
      "the engine runs without root, and only root can lend the machine's devices; run the "
      "container as root");
}

/// What the container's bundle or a policy wanted of root is read by now.
void drop_privileges() {
  std::vector<int> keep(kLendingCapabilities.begin(), kLendingCapabilities.end());
  // The guardian drops these two as well. Until then it may need to make its cgroup in the root of
  // a hierarchy, which is nobody's to write, not even its owner's (mode 0555).
  keep.push_back(CAP_SETPCAP);
  keep.push_back(CAP_DAC_OVERRIDE);
  limit_capabilities(keep);
  set_no_new_privileges();
}

// The pid may be given to another process at any time: what is the same before and after the
// namespace was opened has not been.
Borrower find_borrower(const oci::State& state) {
  if (!state.pid) throw Error("the container's state names no process; register createRuntime");
  const auto process = identify_process(*state.pid);
  auto netns = Netns::of_process(*state.pid);
  if (identify_process(*state.pid) != process) throw_errno(ESRCH, "find", "the container");
  if (netns.identity() == Netns::current().identity()) {
    throw Error(fmt::format(
        "container '{}' is in the host's own network namespace, where its devices are already; run "
        "it with a network namespace of its own (not --network host)",
        state.id.str()));
  }
  if (state.pid == 1) {
    throw Error(
        "the container's state names process 1, as at createContainer, where the host's /proc is "
        "still seen; register createRuntime");
  }
  return {.id = state.id,
          .key = state.bundle,
          .netns = std::move(netns),
          .process = process,
          .netns_path = {}};
}

void lend_to_container(const oci::State& state, const HookNote& note) {
  const auto annotations = state.annotations
                               ? *state.annotations
                               : with_config(state.bundle, [](const std::string& text) {
                                   return oci::parse_config_annotations(text);
                                 });
  const auto plan = parse_annotations(annotations);
  if (!plan) return;
  if (!plan->addresses.empty()) check_may_have_addresses(state, note);
  require_privilege();
  const Borrower borrower = find_borrower(state);
  const StateDirectory directory;
  const LendingContext context{.state = directory, .on_step = {}};
  // First: its namespace lives by itself now, whatever is said to lending.
  for (const auto& failure : end_injection(context, borrower.netns)) note(failure.what);
  const auto configuration = load_configuration();
  drop_privileges();
  lend_by_policy(context, *plan, borrower,
                 {.lender = Lender::leaves, .configuration = configuration});
}

// By the ledgers alone: the process is gone, and config.json may say something else by now.
Failures take_back(const oci::State& state) {
  require_privilege();
  const StateDirectory directory;
  drop_privileges();
  const LendingContext context{.state = directory, .on_step = {}};
  Failures failures;
  for (const auto& ledger : ledgers_of(directory, state.id, state.bundle)) {
    for (auto& failure : give_back(context, ledger)) failures.push_back(std::move(failure));
  }
  return failures;
}

Injection injection_of_engine() {
  const pid_t engine = ::getppid();
  if (engine == 0) {
    throw Error("the engine is outside of our pid namespace, so its end couldn't be seen");
  }
  return {.id = ContainerId{fmt::format("precreate-{}", engine)},
          .key = "precreate",
          .engine = identify_process(engine),
          .hook_path = std::filesystem::read_symlink("/proc/self/exe").string()};
}
}  // namespace

HookArguments parse_hook_arguments(const std::vector<std::string>& arguments) {
  HookArguments parsed;
  auto rest = arguments.begin();
  if (rest != arguments.end() && *rest != "--deadline") parsed.stage = parse_stage(*rest++);
  if (rest == arguments.end()) return parsed;
  const auto seconds = arguments.end() - rest == 2 && *rest == "--deadline"
                           ? parse_number(*(rest + 1), kDeadlineMax)
                           : std::nullopt;
  if (!seconds || *seconds == 0) {
    throw Error::usage(fmt::format(
        "behind the stage only '--deadline SECONDS' is understood, of 1 to {} s", kDeadlineMax));
  }
  parsed.deadline_s = static_cast<unsigned>(*seconds);
  return parsed;
}

HookStage stage_of_status(std::string_view status) {
  // At createRuntime runc 1.1 says "creating", as the spec has it, and crun 1.8 "created".
  if (status == "creating" || status == "created") return HookStage::create_runtime;
  if (status == "stopped") return HookStage::poststop;
  throw Error(
      fmt::format("the container is '{}'; register createRuntime and poststop", printable(status)));
}

std::string run_precreate(const std::string& config) {
  try {
    const auto plan = plan_injection(config);
    if (!plan) return config;
    require_privilege();
    const auto injection = injection_of_engine();
    const StateDirectory directory;
    drop_privileges();
    return inject({.state = directory, .on_step = {}}, injection, *plan, config).config;
  } catch (const Error& error) {
    throw error.within("the container's config.json on standard input");
  }
}

Failures run_hook(std::optional<HookStage> stage, std::string_view state, const HookNote& note) {
  const auto parsed = read_state(state);
  if (!stage) stage = stage_of_status(parsed.status);
  if (stage == HookStage::poststop) return take_back(parsed);
  lend_to_container(parsed, note);
  return {};
}

}  // namespace netlend
