#pragma once

#include <functional>
#include <string_view>

namespace netlend {

/// Told before every step that changes the kernel or the ledger: `--debug` prints it, and the test
/// that kills the process at each step counts it.
using StepCallback = std::function<void(std::string_view step)>;

}  // namespace netlend
