#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/unique_fd.hpp"

/// What parent and child say to each other between clone3 and exec, over one SOCK_SEQPACKET pair,
/// whose messages are whole or not at all. The child waits for go, with a bundle after each step
/// that the parent has a part in, and says ready there. It may hand over its terminal, and then
/// reports one failure, or its end closes, which is execve(2) succeeding.
namespace netlend {

/// Why the command didn't start, and what `netlend run` exits with for it.
struct StartFailure {
  int exit_code = 0;
  std::string message;
  bool operator==(const StartFailure&) const = default;
};

/// The child has done a step and waits for go.
struct Ready {};

class ParentChannel {
 public:
  explicit ParentChannel(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  /// Throws Error if the child is gone.
  void say_go();

  /// The child's next word: a step done, the master of its terminal, its failure, or (nothing) that
  /// it executes the command.
  using Report = std::variant<std::monostate, Ready, UniqueFd, StartFailure>;
  Report receive();

  /// The child's part: only its own end stays open.
  void close() noexcept { fd_.reset(); }

 private:
  UniqueFd fd_;
};

class ChildChannel {
 public:
  explicit ChildChannel(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  /// False if the parent is gone without a go.
  bool wait_for_go();
  void say_ready();
  void send_terminal(int master);
  void report(const StartFailure& failure) noexcept;
  void close() noexcept { fd_.reset(); }
  int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
};

struct Channel {
  ParentChannel parent;
  ChildChannel child;
};

Channel make_channel();

}  // namespace netlend
