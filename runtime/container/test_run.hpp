#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "container/init.hpp"

/// Containers for the tests, each run by a process of its own as `netlend run` would be.
namespace netlend::test {

ContainerOptions options_for(std::vector<std::string> command);
/// `sh -c SCRIPT`.
ContainerOptions shell(const std::string& script);

/// A process that runs a container, and what that writes.
class Runner {
 public:
  /// `prepare` runs in the new process first.
  explicit Runner(const ContainerOptions& options, const std::function<void()>& prepare = {});
  /// As above, on a terminal of its own, whose other end is read and written here.
  static Runner on_terminal(const ContainerOptions& options);
  ~Runner();
  Runner(Runner&&) = default;
  Runner& operator=(Runner&&) = delete;

  pid_t pid() const noexcept { return pid_; }
  /// Its first child: the container's init.
  pid_t init() const;
  void signal(int number) const;
  void type(std::string_view keys) const;
  int terminal() const noexcept { return output_.get(); }

  /// Reads output until `text` has come; all read since the last call. Fails the test at its end or
  /// after 20 s.
  std::string read_until(std::string_view text);
  /// The rest of the output.
  std::string read_rest();
  int exit_code();

 private:
  Runner() = default;
  bool read_some(int timeout_ms);

  pid_t pid_ = -1;
  UniqueFd output_;
  std::string unread_;
};

struct Outcome {
  int exit_code = 0;
  /// Standard output and error.
  std::string output;
};
Outcome run(const ContainerOptions& options, const std::function<void()>& prepare = {});

}  // namespace netlend::test
