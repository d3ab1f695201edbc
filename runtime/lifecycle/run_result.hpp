#pragma once

#include <string>

#include "base/error.hpp"

namespace netlend {

struct RunResult {
  /// The command's own, or 128 + the signal that ended it; 125 netlend failed, 126 the command
  /// can't be executed, 127 it isn't there.
  int exit_code = 0;
  /// Why the command didn't run to its end, if so; for standard error.
  std::string error;
  /// What could not be brought home as it was. The exit code stays the command's.
  Failures failures;
};

}  // namespace netlend
