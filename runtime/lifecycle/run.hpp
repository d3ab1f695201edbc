#pragma once

#include <string>
#include <vector>

#include "base/container_id.hpp"
#include "lifecycle/run_result.hpp"
#include "lifecycle/runtime.hpp"
#include "net/kernel/names.hpp"
#include "net/lending.hpp"
#include "net/plan/plan.hpp"

namespace netlend {

/// `netlend run [--nic SPEC]... [--l3 SPEC]... -- COMMAND [ARG...]`.
struct RunOptions {
  /// Also its hostname. new_container_id() if the user gives none.
  ContainerId id;
  Plan plan;
  std::vector<std::string> command;
  std::vector<IpAddress> dns;
  /// Absolute paths of the host's that are to be visible inside though their folder is not.
  std::vector<std::string> show;
  Force force = Force::no;
};

/// Runs the command in a container without a bundle, with the devices of the plan, and brings them
/// home when it ends, however that is. Signals that come in meanwhile go to the command; what comes
/// in before it starts or after it ended waits or is dropped, so that nothing stays half done. Only
/// SIGKILL ends it sooner: then the command dies too, and the guardian brings the devices home.
/// Throws Error for what is wrong before anything is lent; nothing has changed then.
RunResult run(const Runtime& runtime, const RunOptions& options);

/// An id that no other container has: 12 random hex digits.
ContainerId new_container_id();

}  // namespace netlend
