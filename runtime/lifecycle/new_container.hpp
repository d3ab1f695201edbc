#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "container/bundle_init.hpp"
#include "container/bundle_namespaces.hpp"
#include "container/cgroup.hpp"
#include "container/channel.hpp"
#include "container/spawn.hpp"
#include "lifecycle/bundle.hpp"
#include "lifecycle/bundle_loans.hpp"
#include "lifecycle/container_store.hpp"
#include "lifecycle/runtime.hpp"

namespace netlend {

/// What `create` and `run` are asked for, beside the bundle's config.json.
struct BundleOptions {
  ContainerId id;
  std::string bundle = ".";
  BundlePlans plans;
  /// Where the process's pid is written to; empty: nowhere.
  std::string pid_file;
  /// A socket that is sent the terminal's other end; empty: none.
  std::string console_socket;
  RootChange root_change = RootChange::pivot;
  SessionKeyring keyring = SessionKeyring::own;
  /// Descriptors that stay open for the process: from 3 on those that it is told of as
  /// sd_listen_fds(3) says, and after them the others.
  unsigned listened_fds = 0;
  unsigned preserved_fds = 0;
};

/// What becomes of the container once it is made: `create` leaves it at its start gate, `run` stays
/// until its end, or leaves too.
enum class Purpose { create, run, run_detached };

/// A container with a bundle that is being made. Until it is kept, its end undoes all.
class NewContainer {
 public:
  /// Reads the bundle and takes the id; nothing else has changed then. Throws Error.
  NewContainer(const Runtime& runtime, const BundleOptions& options, Purpose purpose);
  /// What can't be undone is noted.
  ~NewContainer();
  NewContainer(const NewContainer&) = delete;
  NewContainer& operator=(const NewContainer&) = delete;

  /// Makes everything but the start, as step 2 to 5 of the spec's lifecycle. Throws Error;
  /// exit_code() says then what `run` ends with.
  void make();
  /// Lets its first process wait at the start gate, or start at once. Nothing is undone from here
  /// on.
  void let_go();
  /// Waits until the process is executed, and runs the poststart hooks. Throws Error as make().
  void await_start();
  /// Ends it, and takes all of it away. Returns what couldn't be.
  Failures remove() noexcept;

  int exit_code() const noexcept { return exit_code_; }
  Spawned& first_process() noexcept { return init_; }
  /// The terminal's other end, if there is one and no console socket has got it.
  UniqueFd take_terminal() noexcept { return std::move(terminal_); }

 private:
  void confine_to_lent_addresses();
  void note_warnings() const;
  void write_down();
  std::string cgroup_path_of_container() const;
  void make_cgroup();
  void choose_network();
  void start_first_process();
  void place_first_process();
  void leave_network_devices() const;
  void await_ready();
  void run_runtime_hooks() const;
  void hand_over_terminal();
  void write_down_created();

  const Runtime& runtime_;
  const BundleOptions& options_;
  Bundle bundle_;
  BundlePlans plans_;
  BundleNamespaces namespaces_;
  /// In place of a network namespace of its own, if there is one.
  std::optional<Netns> l3_namespace_;
  /// The ledger of linux.netDevices.
  std::optional<std::string> network_devices_;
  UniqueFd console_socket_;
  ContainerFolder folder_;
  ContainerRecord record_;
  Purpose purpose_;
  Spawned init_;
  std::optional<Cgroup> cgroup_;
  ParentChannel channel_{UniqueFd{}};
  UniqueFd terminal_;
  std::vector<SeccompProgram> filters_;
  bool is_kept_ = false;
  int exit_code_;
};

/// Runs the hooks of a container that has just started. A failure kills it and is thrown on, as
/// runc has it and the spec wants by now (opencontainers/runtime-spec#1262); the spec's
/// versions 1.0 and 1.1 wanted a warning, which crun gives nobody.
void run_poststart_hooks(const oci::Config& config, const ContainerRecord& record);

}  // namespace netlend
