#include "lifecycle/run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "base/file.hpp"
#include "base/process.hpp"
#include "base/syscall.hpp"
#include "container/container.hpp"
#include "container/exit_codes.hpp"
#include "guardian/guardian.hpp"
#include "lifecycle/container_store.hpp"
#include "lifecycle/environment.hpp"
#include "lifecycle/resolv_conf.hpp"
#include "net/kernel/netns.hpp"
#include "net/l3/kernel_mode.hpp"
#include "net/policy/policy.hpp"

namespace netlend {

namespace {
constexpr std::size_t kResolvConfMaxBytes = 64 * 1024UL;
// With the id the key of the ledger, where a container with a bundle has the bundle's path.
constexpr const char* kLedgerKey = "run";

ContainerOptions container_options(const RunOptions& options, const NoteCallback& note) {
  const auto resolv_conf = choose_resolv_conf(
      options.dns, read_file_if_exists(AT_FDCWD, "/etc/resolv.conf", kResolvConfMaxBytes));
  // With nothing lent there is no way to any name server, and nothing new to say.
  if (resolv_conf.note && !options.plan.is_empty()) note(*resolv_conf.note);
  ContainerOptions container{.id = options.id,
                             .command = options.command,
                             .environment = command_environment(own_environment()),
                             .root = {.show = options.show, .resolv_conf = resolv_conf.content}};
  // Who has lent addresses sends from them and from no others, and makes no packets by hand.
  if (!options.plan.addresses.empty()) std::erase(container.capabilities, CAP_NET_RAW);
  return container;
}

/// In `l3`, if it is there: the container is in one then before it does anything.
std::unique_ptr<Container> make_container(const std::optional<Netns>& l3,
                                          ContainerOptions options) {
  if (!l3) return std::make_unique<Container>(options);
  options.network = ContainerNetwork::makers;
  std::unique_ptr<Container> container;
  run_in_netns(*l3, [&] { container = std::make_unique<Container>(options); });
  return container;
}

/// Other commands find the container by its id as long as this lives, and nobody else gets the id.
class CommandRecord {
 public:
  CommandRecord(const ContainerStore& containers, const ContainerId& id,
                const ProcessIdentity& init)
      : folder_(ContainerFolder::make(containers, id)) {
    folder_.save({.id = id,
                  .creator = identify_process(::getpid()),
                  .init = init,
                  .bundle = {},
                  .annotations = {},
                  .created = timestamp_now(),
                  .cgroup = {}});
  }
  ~CommandRecord() {
    Failures ignored;
    // It names a dead process then, which everybody takes for no container at all.
    attempt(ignored, [&] { folder_.remove(); });
  }
  CommandRecord(const CommandRecord&) = delete;
  CommandRecord& operator=(const CommandRecord&) = delete;

 private:
  ContainerFolder folder_;
};

/// Returns the ledger's name.
std::string lend_to(const ProcessIdentity& init, const LendingContext& context,
                    const RunOptions& options) {
  const Borrower borrower{.id = options.id,
                          .key = kLedgerKey,
                          .netns = Netns::of_process(init.pid),
                          .process = init,
                          .netns_path = {}};
  return lend_guarded(context, options.plan, borrower,
                      {.options = {.force = options.force},
                       .lender = Lender::stays,
                       .settings = load_configuration().settings});
}

RunResult describe(const StartFailure& failure) {
  std::string error = failure.message;
  if (failure.exit_code == kExitNotFound) {
    error +=
        "; /root, /home, /run and /tmp are the container's own, and --show PATH makes a path of "
        "the "
        "host's visible there";
  }
  return {.exit_code = failure.exit_code, .error = std::move(error), .failures = {}};
}

/// Runs the command to its end. No process of the container is left afterwards.
RunResult run_command(std::unique_ptr<Container> container, const HeldSignals& signals) {
  try {
    if (const auto failure = container->start()) return describe(*failure);
    return {.exit_code = container->wait(signals), .error = {}, .failures = {}};
  } catch (const Error& error) {
    // Not to be thrown on: the devices have to come home.
    return {.exit_code = kExitNetlendFailed, .error = error.what(), .failures = {}};
  }
}
}  // namespace

RunResult run(const Runtime& runtime, const RunOptions& options) {
  const HeldSignals signals;
  auto container =
      make_container(make_l3_namespace(options.plan), container_options(options, runtime.note));
  const auto init = identify_process(container->pid());
  const CommandRecord record(runtime.containers, options.id, init);
  std::optional<std::string> ledger;
  // Lent addresses come home by themselves when the namespace ends; held open until they are given
  // back, it leaves no moment in which nobody has them.
  std::optional<Netns> netns;
  if (!options.plan.is_empty()) {
    netns = Netns::of_process(init.pid);
    ledger = lend_to(init, runtime.lending, options);
  }
  auto result = run_command(std::move(container), signals);
  if (ledger) result.failures = give_back(runtime.lending, *ledger);
  return result;
}

ContainerId new_container_id() {
  constexpr std::size_t kBytes = 6;
  return ContainerId{random_hex(kBytes)};
}

}  // namespace netlend
