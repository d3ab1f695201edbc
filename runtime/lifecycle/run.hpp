#pragma once

#include <string>
#include <vector>

#include "base/container_id.hpp"
#include "base/error.hpp"
#include "net/lending.hpp"
#include "net/names.hpp"
#include "net/plan.hpp"

namespace netlend {

/// `netlend run [--nic SPEC]... -- COMMAND [ARG...]`.
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

struct RunResult {
  /// The command's own, or 128 + the signal that ended it; 125 netlend failed, 126 the command
  /// can't be executed, 127 it isn't there.
  int exit_code = 0;
  /// Why the command didn't run to its end, if so; for standard error.
  std::string error;
  /// What could not be brought home as it was. The exit code stays the command's.
  Failures failures;
};

/// Told, before the command starts, what the user should know: `netlend run` prints it.
using NoteCallback = std::function<void(const std::string& note)>;

/// Runs the command in a container without a bundle, with the devices of the plan, and brings them
/// home when it ends, however that is. Signals that come in meanwhile go to the command; what comes
/// in before it starts or after it ended waits or is dropped, so that nothing stays half done. Only
/// SIGKILL ends it sooner: then the command dies too and `netlend reap` brings the devices home.
/// Throws Error for what is wrong before anything is lent; nothing has changed then.
RunResult run(const LendingContext& context, const RunOptions& options, const NoteCallback& note);

/// An id that no other container has: 12 random hex digits.
ContainerId new_container_id();

}  // namespace netlend
