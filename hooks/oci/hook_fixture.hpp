#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

/// netlend-hook as an engine runs it, for tests.
namespace netlend::test {

struct Pipe {
  Pipe();
  UniqueFd read_end;
  UniqueFd write_end;
};

/// netlend-hook with pipes to it; killed at the end of the case unless it was waited for.
class RunningHook {
 public:
  /// Done in its process, before it is executed.
  using Prepare = std::function<void()>;

  explicit RunningHook(const std::vector<std::string>& arguments, const Prepare& prepare = {},
                       const std::string& program = NETLEND_HOOK_PROGRAM);
  ~RunningHook();
  RunningHook(const RunningHook&) = delete;
  RunningHook& operator=(const RunningHook&) = delete;
  RunningHook(RunningHook&&) = delete;
  RunningHook& operator=(RunningHook&&) = delete;

  pid_t pid() const { return pid_; }

  /// As an engine does: a hook that ended, or closed its input, without reading all of it is judged
  /// by its exit code alone (os/exec of Go, which runc and podman use, ignores EPIPE too).
  void give(const std::string& state);

  struct Result {
    int exit_code = -1;
    std::string output;
  };
  Result wait();

 private:
  Pipe input_;
  Pipe output_;
  pid_t pid_ = 0;
};

RunningHook::Result run_hook(const std::vector<std::string>& arguments, const std::string& state,
                             const RunningHook::Prepare& prepare = {});

/// That it failed with one line that has this part.
void check_complaint(const RunningHook::Result& result, const std::string& part);

/// A process in a network namespace of its own, as a container that is being created has one.
class Container {
 public:
  Container();
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  Container(Container&&) = delete;
  Container& operator=(Container&&) = delete;

  pid_t pid() const { return pid_; }

 private:
  Pipe ready_;
  pid_t pid_ = 0;
};

/// What a state says of a container, as JSON has it.
struct StateWords {
  std::string id = "db1";
  std::string bundle = "/run/bundle";
  /// The members of the object.
  std::string annotations;
};

/// A container's state while it is created.
std::string state_of(pid_t pid, const StateWords& words);

}  // namespace netlend::test
