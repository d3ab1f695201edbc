#pragma once

#include <csignal>
#include <optional>
#include <vector>

#include "base/unique_fd.hpp"

namespace netlend {

/// Holds back, for as long as it lives, the signals that `netlend run` passes on to the command, so
/// that none of them ends netlend between lending and giving back. What the caller ignores (nohup)
/// stays ignored, but SIGCHLD, without which there are no exit codes. At its end, what came in and
/// wasn't taken is dropped.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  /// Readable when a signal came in. Source: signalfd(2).
  int fd() const noexcept { return fd_.get(); }
  /// The next signal that came in, if any.
  std::optional<int> take() const;

 private:
  UniqueFd fd_;
  sigset_t before_{};
  struct sigaction child_before_ {};
};

/// Blocks every signal that can be blocked.
void block_all_signals();

}  // namespace netlend
