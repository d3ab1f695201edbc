#include "lifecycle/bundle_run.hpp"

#include <fmt/core.h>

#include <memory>

#include "container/exit_codes.hpp"
#include "container/start_gate.hpp"
#include "container/supervise.hpp"

namespace netlend {

namespace {
RunResult failed(const NewContainer& container, const Error& error) {
  return {.exit_code = container.exit_code(), .error = error.what(), .failures = {}};
}

void enter_start_gate_of(const ContainerFolder& folder) {
  auto starter = enter_start_gate(folder.fd());
  // Before the go: if this netlend is killed in between, the first process sees it gone and ends.
  folder.close_start_gate();
  starter.say_go();
  const auto report = starter.receive();
  if (const auto* failure = std::get_if<StartFailure>(&report)) throw Error(failure->message);
}

/// Null: the container has no terminal.
std::unique_ptr<TerminalRelay> relay_terminal(NewContainer& container) {
  auto master = container.take_terminal();
  if (!master.is_open()) return nullptr;
  return std::make_unique<TerminalRelay>(std::move(master), Relayed::standard_descriptors);
}

/// Lets it go, and waits for its end.
RunResult attend(NewContainer& container, const HeldSignals& signals) {
  try {
    // Before the go: what it writes first goes through a terminal of the right size and modes.
    auto terminal = relay_terminal(container);
    container.let_go();
    container.await_start();
    return {.exit_code = supervise(container.first_process(), std::move(terminal), signals),
            .error = {},
            .failures = {}};
  } catch (const Error& error) {
    // Not to be thrown on: the devices have to come home.
    return failed(container, error);
  }
}
}  // namespace

void create_container(const Runtime& runtime, const BundleOptions& options) {
  NewContainer container(runtime, options, Purpose::create);
  container.make();
  container.let_go();
}

void start_container(const Runtime& runtime, const ContainerId& id) {
  const auto folder = ContainerFolder::open(runtime.containers, id);
  const auto view = folder ? folder->load() : std::nullopt;
  if (!view) throw Error(fmt::format("container '{}' does not exist", id.str()), ENOENT);
  if (view->status != ContainerStatus::created) {
    throw Error(fmt::format("container '{}' is {}; only one that is created can be started",
                            id.str(), status_name(view->status)));
  }
  const auto config = parse_bundle_config(folder->load_config());
  if (!config.process) {
    throw Error("config.json: /process: is not there, so there is nothing to start");
  }
  enter_start_gate_of(*folder);
  run_poststart_hooks(config, view->record);
}

RunResult run_container(const Runtime& runtime, const BundleOptions& options) {
  const HeldSignals signals;
  NewContainer container(runtime, options, Purpose::run);
  try {
    container.make();
  } catch (const Error& error) {
    return failed(container, error);
  }
  auto result = attend(container, signals);
  result.failures = container.remove();
  return result;
}

RunResult run_detached(const Runtime& runtime, const BundleOptions& options) {
  NewContainer container(runtime, options, Purpose::run_detached);
  try {
    container.make();
    container.let_go();
    container.await_start();
    return {};
  } catch (const Error& error) {
    auto result = failed(container, error);
    result.failures = container.remove();
    return result;
  }
}

}  // namespace netlend
