#pragma once

#include <optional>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "net/state_directory.hpp"

namespace netlend {

/// The file `containers/ID` of the state folder, there while the container is: other commands find
/// it by its id, and nobody else gets the id.
class ContainerRecord {
 public:
  /// `init` is the container's first process. The record of a container that died with its netlend
  /// is replaced. Throws Error if a living one has the id.
  ContainerRecord(const StateDirectory& state, const ContainerId& id, const ProcessIdentity& init);
  ~ContainerRecord();
  ContainerRecord(const ContainerRecord&) = delete;
  ContainerRecord& operator=(const ContainerRecord&) = delete;

 private:
  const StateDirectory& state_;
  ContainerId id_;
};

/// The first process of the running container of that id; nothing if there is none.
/// Throws Error for a record that netlend didn't write.
std::optional<ProcessIdentity> find_container(const StateDirectory& state, const ContainerId& id);

/// Removes the records of containers that died with their netlend.
Failures forget_dead_containers(const StateDirectory& state) noexcept;

}  // namespace netlend
