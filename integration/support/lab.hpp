#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace netlend::test {

/// What a shell command printed, without the last newline. Throws with its output if it fails.
std::string sh(const std::string& command);

/// Whether the text has this in it.
bool says(std::string_view text, std::string_view part);

/// Whether it succeeds; its output is dropped.
bool succeeds(const std::string& command);

/// What ip(8) and tc(8) say of a device of this namespace and of its addresses, routes and
/// permanent neighbours: all that should be the same after a loan. What is left of a lifetime is
/// blanked.
std::string observe(const std::string& device);

/// Waits until the kernel is done with every IPv6 address here: each device that is up has one,
/// none is tentative, each is routed.
void wait_for_dad();

/// What the Error says that `work` throws; empty if it throws none.
template <typename Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

/// A process that does nothing in a network namespace until it is killed.
class Sleeper {
 public:
  enum class User { ours, its_own };
  /// In one of its own, of which it is root by a user namespace of its own or because we are.
  explicit Sleeper(User user = User::ours);
  /// In this one.
  explicit Sleeper(int netns_fd);
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  Sleeper(Sleeper&&) = delete;
  Sleeper& operator=(Sleeper&&) = delete;
  ~Sleeper();

  pid_t pid() const noexcept { return pid_; }
  /// SIGKILL, and waits for its end.
  void kill() noexcept;
  /// Runs a command in its network namespace and as its user, as sh().
  std::string sh(const std::string& command) const;

 private:
  void start(const std::function<bool()>& enter);

  pid_t pid_ = -1;
  User user_ = User::ours;
};

}  // namespace netlend::test
