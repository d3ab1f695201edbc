#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "base/unique_fd.hpp"
#include "lifecycle/container_record.hpp"
#include "net/ledger/state_directory.hpp"

namespace netlend {

/// Source: runtime-spec, runtime.md, "State".
enum class ContainerStatus { creating, created, running, stopped };

/// As the spec calls it.
std::string_view status_name(ContainerStatus status);

struct ContainerView {
  ContainerRecord record;
  ContainerStatus status = ContainerStatus::stopped;
  /// Of its first process, where that lives.
  std::optional<pid_t> pid() const;
};

/// Where containers are known by their ids: a folder for each, from its creation to its deletion.
class ContainerStore {
 public:
  /// That of the state folder.
  explicit ContainerStore(const StateDirectory& state);
  /// That of `--root`, made if it is missing. Only containers are below it: loans are known to all
  /// of the machine. Throws Error where others than root could write there.
  explicit ContainerStore(const std::string& path);

  const std::string& path() const noexcept { return path_; }
  int fd() const noexcept { return folder_.get(); }
  /// All, in the order of their ids.
  std::vector<ContainerId> ids() const;
  /// Nothing where there is no container of that id, or one that is being made or removed at this
  /// moment. Throws Error for a record that netlend didn't write.
  std::optional<ContainerView> find(const ContainerId& id) const;
  /// As find(), but throws Error where there is none.
  ContainerView get(const ContainerId& id) const;

 private:
  std::string path_;
  UniqueFd folder_;
};

/// A container's folder, which nobody else works on meanwhile: it is locked (flock(2)) until this
/// object goes.
class ContainerFolder {
 public:
  /// Makes it. Throws Error (EEXIST) where the id is taken; what is left of a command without a
  /// bundle, or of a netlend that was killed before it had written anything, is replaced.
  static ContainerFolder make(const ContainerStore& store, const ContainerId& id);
  /// Waits, bounded, for others who work on it. Nothing if there is no such folder.
  static std::optional<ContainerFolder> open(const ContainerStore& store, const ContainerId& id);

  int fd() const noexcept { return fd_.get(); }
  /// Nothing if a killed netlend left it empty.
  std::optional<ContainerView> load() const;
  void save(const ContainerRecord& record) const;
  /// The text of config.json, as it was when the container was made.
  void save_config(const std::string& text) const;
  std::string load_config() const;
  /// From then on the container doesn't count as waiting to be started.
  void close_start_gate() const;
  /// Removes the folder and all that is in it.
  void remove() const;

 private:
  ContainerFolder(const ContainerStore& store, const ContainerId& id, UniqueFd fd)
      : store_(&store), id_(id), fd_(std::move(fd)) {}
  bool try_lock() const;
  bool is_current() const;

  const ContainerStore* store_;
  ContainerId id_;
  UniqueFd fd_;
};

/// The first process of the running container of that id; nothing if there is none.
/// Throws Error for a record that netlend didn't write.
std::optional<ProcessIdentity> find_container(const ContainerStore& store, const ContainerId& id);

/// Removes what is left of commands without a bundle that died with their netlend.
Failures forget_dead_containers(const ContainerStore& store) noexcept;

}  // namespace netlend
