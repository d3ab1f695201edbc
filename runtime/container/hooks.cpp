#include "container/hooks.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "base/file.hpp"
#include "base/signals.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/execute.hpp"
#include "container/exit_codes.hpp"
#include "container/spawn.hpp"

namespace netlend {

namespace {
// A memory file, not a pipe: a hook that reads late or never can't block us, however long the
// state.
UniqueFd make_input(std::string_view state) {
  UniqueFd file{check(::memfd_create("state", MFD_CLOEXEC), "make", "a memory file")};
  write_all(file.get(), state, "the container's state");
  check(::lseek(file.get(), 0, SEEK_SET), "rewind", "the container's state");
  return file;
}

[[noreturn]] void become_hook(const oci::Hook& hook, const HookCall& call, pid_t runtime) {
  // A session of its own: its process group is what a timeout kills, and no terminal signals it.
  check(::setsid(), "make", "a session");
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "die with", "the runtime");
  if (::getppid() != runtime) ::_exit(kExitNetlendFailed);
  check(::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC), "close", "descriptors");
  check(::fchdir(call.working_folder), "enter", "the working folder");
  reset_signals();
  const auto& name = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  const auto arguments = exec_array(name);
  const auto* const named = hook.env.empty() ? call.environment : &hook.env;
  const auto environment = named != nullptr ? exec_array(*named) : std::vector<char*>{};
  ::execve(hook.path.c_str(), arguments.data(), named != nullptr ? environment.data() : environ);
  throw_errno(errno, "execute", hook.path);
}

int run_child(const oci::Hook& hook, const HookCall& call, pid_t runtime, int output) {
  try {
    const auto input = make_input(call.state);
    check(::dup2(input.get(), STDIN_FILENO), "set", "standard input");
    check(::dup2(output, STDOUT_FILENO), "set", "standard output");
    check(::dup2(output, STDERR_FILENO), "set", "standard error");
    become_hook(hook, call, runtime);
  } catch (const Error& error) {
    write_all(output, error.what(), "the runtime's pipe");
    return kExitCannotExecute;
  }
}

/// The last bytes that a hook wrote.
class Output {
 public:
  explicit Output(UniqueFd pipe) noexcept : pipe_(std::move(pipe)) {}

  int fd() const noexcept { return pipe_.get(); }

  /// Reads what is there, at most `kPieceMax`; false if there is nothing (any more).
  bool read_some() {
    if (!pipe_.is_open()) return false;
    std::array<char, kPieceMax> piece{};
    const auto got = retry([&] { return ::read(pipe_.get(), piece.data(), piece.size()); });
    if (got < 0 && errno != EAGAIN) throw_errno(errno, "read", "what a hook writes");
    if (got == 0) pipe_.reset();
    if (got <= 0) return false;
    tail_.append(piece.data(), static_cast<std::size_t>(got));
    if (tail_.size() > kTailMax) tail_.erase(0, tail_.size() - kTailMax);
    return true;
  }

  /// What is left in the pipe: a process that the hook left behind may go on writing.
  void drain() {
    for (std::size_t pieces = 0; pieces < kPipeMax / kPieceMax && read_some(); ++pieces) {
    }
  }

  /// ": LAST LINE", or nothing.
  std::string last_line() const {
    const auto lines = split_words(tail_, "\r\n");
    return lines.empty() ? std::string{} : ": " + printable(lines.back());
  }

 private:
  static constexpr std::size_t kPieceMax = 4096;
  static constexpr std::size_t kTailMax = 4096;
  static constexpr std::size_t kPipeMax = 65536;  // pipe(7), "Pipe capacity"

  UniqueFd pipe_;
  std::string tail_;
};

class RunningHook {
 public:
  RunningHook(const oci::Hook& hook, const HookCall& call) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
    output_ = Output{UniqueFd{ends[0]}};
    const UniqueFd write_end{ends[1]};
    check(::fcntl(output_.fd(), F_SETFL, O_NONBLOCK), "set", "a pipe's flags");
    const pid_t runtime = ::getpid();
    process_ = spawn(0, [&] { return run_child(hook, call, runtime, write_end.get()); });
  }

  ~RunningHook() { kill(); }
  RunningHook(const RunningHook&) = delete;
  RunningHook& operator=(const RunningHook&) = delete;

  /// How it ended, as waitpid(2) says it; nothing if it hasn't until `deadline_ms` of
  /// monotonic_ms().
  std::optional<int> wait(std::optional<std::int64_t> deadline_ms) {
    for (;;) {
      std::array<pollfd, 2> events{pollfd{.fd = process_.pidfd.get(), .events = POLLIN},
                                   pollfd{.fd = output_.fd(), .events = POLLIN}};
      const int ready = retry([&] {
        return ::poll(events.data(), events.size(), deadline_ms ? left_ms(*deadline_ms) : -1);
      });
      check(ready, "wait for", "a hook");
      if (ready == 0 && left_ms(*deadline_ms) == 0) return std::nullopt;
      if (events[1].revents != 0) output_.read_some();
      if (events[0].revents != 0) break;
    }
    output_.drain();
    return reap();
  }

  std::string last_line() const { return output_.last_line(); }

 private:
  // At most what poll(2) takes.
  static int left_ms(std::int64_t deadline_ms) {
    constexpr std::int64_t kPollMax = std::int64_t{1} << 30;
    return static_cast<int>(
        std::min(std::max<std::int64_t>(deadline_ms - monotonic_ms(), 0), kPollMax));
  }

  int reap() {
    int status = 0;
    check(retry([&] { return ::waitpid(process_.pid, &status, 0); }), "wait for", "a hook");
    process_.pid = -1;
    return status;
  }

  void kill() noexcept {
    if (process_.pid <= 0) return;
    // Both: it may not lead its group yet. Not reaped, its pid can be nobody else's.
    ::kill(process_.pid, SIGKILL);
    ::kill(-process_.pid, SIGKILL);
    retry([&] { return ::waitpid(process_.pid, nullptr, 0); });
  }

  Output output_{UniqueFd{}};
  Spawned process_;
};

void run_hook(const HookCall& call, const oci::Hook& hook) {
  constexpr std::int64_t kMsPerSecond = 1000;
  std::optional<std::int64_t> deadline_ms;
  if (hook.timeout_s) deadline_ms = monotonic_ms() + *hook.timeout_s * kMsPerSecond;
  RunningHook running{hook, call};
  const auto status = running.wait(deadline_ms);
  if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return;
  std::string why = status ? "" : fmt::format("still running after {} s, killed", *hook.timeout_s);
  if (status && WIFEXITED(*status)) why = fmt::format("exit code {}", WEXITSTATUS(*status));
  if (status && WIFSIGNALED(*status)) why = fmt::format("killed by signal {}", WTERMSIG(*status));
  throw Error(fmt::format("run {} hook '{}': {}{}", call.stage, printable(hook.path), why,
                          running.last_line()));
}
}  // namespace

void run_hooks(const HookCall& call, std::span<const oci::Hook> hooks) {
  for (const auto& hook : hooks) run_hook(call, hook);
}

Failures run_all_hooks(const HookCall& call, std::span<const oci::Hook> hooks) noexcept {
  Failures failures;
  for (const auto& hook : hooks) {
    attempt(failures, [&] { run_hook(call, hook); });
  }
  return failures;
}

}  // namespace netlend
