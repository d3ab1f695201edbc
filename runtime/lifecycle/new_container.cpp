#include "lifecycle/new_container.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/cgroup_mount.hpp"
#include "container/console_socket.hpp"
#include "container/exit_codes.hpp"
#include "container/hooks.hpp"
#include "container/start_gate.hpp"
#include "container/supervise.hpp"
#include "lifecycle/clean_up.hpp"
#include "net/kernel/netns.hpp"
#include "privilege/capabilities.hpp"

namespace netlend {

namespace {
void check_purpose(const oci::Config& config, const BundleOptions& options, Purpose purpose) {
  if (!config.process && purpose != Purpose::create) {
    throw Error("config.json: /process: is not there, so there is nothing to run");
  }
  if (config.process && config.process->args.empty()) {
    throw Error("/process/args: names no program, so there is nothing to run");
  }
  const bool has_terminal = config.process && config.process->terminal;
  if (!has_terminal && !options.console_socket.empty()) {
    throw Error(
        "--console-socket: /process/terminal of config.json is not true, so there is "
        "nothing to send there");
  }
  if (has_terminal && purpose != Purpose::run && options.console_socket.empty()) {
    throw Error(
        "config.json: /process/terminal: who makes a container with a terminal and goes away has "
        "to name a socket for it; add --console-socket");
  }
  if (purpose == Purpose::run && !options.console_socket.empty()) {
    throw Error::usage("--console-socket: 'run' shows the terminal itself; add --detach");
  }
}

/// Where its devices go. In the host's network namespace there is nothing to lend to.
Netns netns_of(const BundleNamespaces& namespaces, const ContainerRecord& record) {
  if (const auto* joined = namespaces.find_joined(CLONE_NEWNET)) {
    UniqueFd copy{check(::fcntl(joined->fd.get(), F_DUPFD_CLOEXEC, 0), "copy", joined->path)};
    return Netns(std::move(copy), joined->path);
  }
  return Netns::of_process(record.init->pid);
}

UniqueFd open_bundle(const ContainerRecord& record) {
  return UniqueFd{check(::open(record.bundle.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC),
                        "open the bundle", record.bundle)};
}
}  // namespace

NewContainer::NewContainer(const Runtime& runtime, const BundleOptions& options, Purpose purpose)
    : runtime_(runtime),
      options_(options),
      bundle_(load_bundle(options.bundle)),
      namespaces_(open_namespaces(bundle_.config.linux.namespaces)),
      folder_(ContainerFolder::make(runtime.containers, options.id)),
      record_{.id = options.id,
              .creator = identify_process(::getpid()),
              .init = {},
              .bundle = bundle_.path,
              .annotations = bundle_.config.annotations,
              .created = {},
              .cgroup = {}},
      purpose_(purpose),
      exit_code_(kExitNetlendFailed) {}

NewContainer::~NewContainer() {
  if (is_kept_) return;
  for (const auto& failure : remove()) runtime_.note(failure.what);
}

Failures NewContainer::remove() noexcept {
  is_kept_ = true;
  channel_.close();
  kill_child(init_);
  return clean_up(runtime_, folder_, record_);
}

void NewContainer::make() {
  write_down();
  check_purpose(bundle_.config, options_, purpose_);
  plans_ = options_.plans;
  plans_.network_devices = plan_network_devices(bundle_.config);
  check_together(plans_, record_.annotations);
  if (lends_addresses(plans_, record_.annotations)) confine_to_lent_addresses();
  if (!options_.console_socket.empty()) {
    console_socket_ = connect_console_socket(options_.console_socket);
  }
  note_warnings();
  make_cgroup();
  choose_network();
  start_first_process();
  place_first_process();
  await_ready();
  run_runtime_hooks();
  channel_.say_go();
  await_ready();
  hand_over_terminal();
  write_down_created();
}

/// Who has lent addresses sends from them and from no others, whatever config.json lets it keep.
void NewContainer::confine_to_lent_addresses() {
  filters_.push_back(no_network_namespaces_program());
  if (!bundle_.config.process) return;
  std::uint64_t lost = 0;
  for (const int capability : {CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN}) {
    lost |= std::uint64_t{1} << static_cast<unsigned>(capability);
  }
  auto& sets = bundle_.config.process->capabilities;
  for (auto* set :
       {&sets.bounding, &sets.effective, &sets.permitted, &sets.inheritable, &sets.ambient}) {
    *set &= ~lost;
  }
}

void NewContainer::note_warnings() const {
  for (const auto& warning : bundle_.config.warnings) runtime_.note("config.json: " + warning);
  if (!bundle_.config.process) return;
  const auto& wanted = bundle_.config.process->capabilities;
  const auto missing = (wanted.permitted | wanted.bounding) & ~permitted_capabilities();
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if ((missing >> static_cast<unsigned>(capability) & 1U) == 0) continue;
    runtime_.note(
        fmt::format("config.json: /process/capabilities: {} is not netlend's to give, and left out",
                    capability_name(capability)));
  }
}

/// Before anything is changed: a netlend that is killed later leaves what `delete` goes by.
void NewContainer::write_down() {
  record_.cgroup = Cgroup::plan(cgroup_path_of_container());
  folder_.save_config(bundle_.text);
  folder_.save(record_);
}

std::string NewContainer::cgroup_path_of_container() const {
  return cgroup_path(bundle_.config.linux.cgroups_path, record_.id);
}

void NewContainer::make_cgroup() {
  cgroup_ = Cgroup::make(*record_.cgroup, bundle_.config.linux.resources);
  if (!cgroup_) record_.cgroup.reset();
}

void NewContainer::choose_network() {
  if (!namespaces_.makes(CLONE_NEWNET)) return;
  l3_namespace_ = make_l3_namespace(plans_, record_.annotations);
  if (l3_namespace_) namespaces_.made_by_clone &= ~std::uint64_t{CLONE_NEWNET};
}

void NewContainer::start_first_process() {
  auto channel = make_channel();
  BundleInit init{.config = bundle_.config,
                  .id = record_.id.str(),
                  .bundle = bundle_.path,
                  .namespaces = namespaces_,
                  .mount_cgroup =
                      [this](const MountPlace& place, const oci::Mount& mount) {
                        mount_cgroups(place, mount, cgroup_path_of_container());
                      },
                  .state_text = [this](std::string_view status,
                                       pid_t pid) { return state_text(record_, status, pid); },
                  .root_change = options_.root_change,
                  .keyring = options_.keyring,
                  .filters = filters_,
                  .listened_fds = options_.listened_fds,
                  .preserved_fds = options_.listened_fds + options_.preserved_fds,
                  .start_gate = {},
                  .channel = std::move(channel.child)};
  if (purpose_ == Purpose::create) init.start_gate = make_start_gate(folder_.fd());
  {
    const JoinedPidNamespace joined(namespaces_);
    const auto spawn_init = [&] {
      init_ = spawn(namespaces_.made_by_clone, [&] { return run_bundle_init(init); });
    };
    // It is born there, and has never been in the host's.
    l3_namespace_ ? run_in_netns(*l3_namespace_, spawn_init) : spawn_init();
  }
  channel_ = std::move(channel.parent);
  record_.init = identify_process(init_.pid);
  folder_.save(record_);
}

/// While it makes its root: to move it to a cgroup, and a device to it, waits for the kernel.
void NewContainer::place_first_process() {
  try {
    if (cgroup_) cgroup_->add(init_.pid);
    const auto lender = purpose_ == Purpose::run ? Lender::stays : Lender::leaves;
    network_devices_ = lend_to_bundle(
        runtime_.lending, plans_, lender,
        {.record = record_, .netns = [&] { return netns_of(namespaces_, record_); }});
  } catch (const Error&) {
    // Of a first process that has ended meanwhile there is more to say than that it is gone.
    if (!is_alive(init_.pidfd.get())) await_ready();
    throw;
  }
}

void NewContainer::await_ready() {
  for (;;) {
    auto report = channel_.receive();
    if (std::holds_alternative<Ready>(report)) return;
    if (auto* terminal = std::get_if<UniqueFd>(&report)) {
      terminal_ = std::move(*terminal);
      continue;
    }
    const auto* failure = std::get_if<StartFailure>(&report);
    if (failure == nullptr) throw Error("the container's first process was killed");
    exit_code_ = failure->exit_code;
    throw Error(failure->message);
  }
}

void NewContainer::run_runtime_hooks() const {
  const auto& hooks = bundle_.config.hooks;
  if (hooks.prestart.empty() && hooks.create_runtime.empty()) return;
  const auto folder = open_bundle(record_);
  const auto state = state_text(record_, status_name(ContainerStatus::creating), init_.pid);
  run_hooks({.stage = "prestart", .state = state, .working_folder = folder.get()}, hooks.prestart);
  run_hooks({.stage = "createRuntime", .state = state, .working_folder = folder.get()},
            hooks.create_runtime);
}

void NewContainer::hand_over_terminal() {
  if (!terminal_.is_open() || !console_socket_.is_open()) return;
  send_terminal(console_socket_.get(), terminal_.get());
  terminal_.reset();
}

void NewContainer::write_down_created() {
  record_.created = timestamp_now();
  folder_.save(record_);
  if (options_.pid_file.empty()) return;
  const std::filesystem::path path = options_.pid_file;
  const auto folder = path.has_parent_path() ? path.parent_path().string() : std::string(".");
  const UniqueFd directory{check(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                 "open the folder of", path.string())};
  constexpr mode_t kReadableMode = 0644;
  replace_file(directory.get(), path.filename(), std::to_string(init_.pid), kReadableMode);
}

/// Until here a failure brings them home.
void NewContainer::leave_network_devices() const {
  if (network_devices_) leave_to_kernel(runtime_.lending, *network_devices_);
}

void NewContainer::let_go() {
  if (purpose_ == Purpose::create) leave_network_devices();
  channel_.say_go();
  is_kept_ = true;
}

void NewContainer::await_start() {
  const auto report = channel_.receive();
  if (const auto* failure = std::get_if<StartFailure>(&report)) {
    exit_code_ = failure->exit_code;
    throw Error(failure->message);
  }
  run_poststart_hooks(bundle_.config, record_);
  leave_network_devices();
}

void run_poststart_hooks(const oci::Config& config, const ContainerRecord& record) {
  if (config.hooks.poststart.empty()) return;
  const auto folder = open_bundle(record);
  const auto state = state_text(record, status_name(ContainerStatus::running), record.init->pid);
  try {
    run_hooks({.stage = "poststart", .state = state, .working_folder = folder.get()},
              config.hooks.poststart);
  } catch (const Error&) {
    kill_first_process(record);
    throw;
  }
}

}  // namespace netlend
