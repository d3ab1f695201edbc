#include "oci-hook/hook_fixture.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"

namespace netlend::test {

namespace {
constexpr std::size_t kOutputMax = std::size_t{1} << 16;
constexpr int kTimeoutMs = 10000;
}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
  read_end = UniqueFd{ends[0]};
  write_end = UniqueFd{ends[1]};
}

RunningHook::RunningHook(const std::vector<std::string>& arguments, const Prepare& prepare,
                         const std::string& program) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_ = check(::fork(), "fork", program);
  if (pid_ != 0) {
    output_.write_end.reset();
    input_.read_end.reset();
    return;
  }
  ::dup2(input_.read_end.get(), STDIN_FILENO);
  ::dup2(output_.write_end.get(), STDOUT_FILENO);
  ::dup2(output_.write_end.get(), STDERR_FILENO);
  if (prepare) prepare();
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

RunningHook::~RunningHook() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void RunningHook::give(const std::string& state) {
  try {
    write_all(input_.write_end.get(), state, "the hook's input");
  } catch (const Error& error) {
    if (error.errno_value() != EPIPE) throw;
  }
  input_.write_end.reset();
}

RunningHook::Result RunningHook::wait() {
  auto output = read_all(output_.read_end.get(), kOutputMax, "the hook's output");
  int status = 0;
  check(::waitpid(std::exchange(pid_, 0), &status, 0), "wait for", "the hook");
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .output = std::move(output)};
}

RunningHook::Result run_hook(const std::vector<std::string>& arguments, const std::string& state,
                             const RunningHook::Prepare& prepare) {
  RunningHook hook(arguments, prepare);
  hook.give(state);
  return hook.wait();
}

void check_complaint(const RunningHook::Result& result, const std::string& part) {
  BOOST_TEST(result.exit_code == 1);
  BOOST_TEST(result.output.starts_with("netlend-hook: "), result.output);
  BOOST_TEST(result.output.find(part) != std::string::npos, result.output);
  BOOST_TEST(std::count(result.output.begin(), result.output.end(), '\n') == 1, result.output);
}

Container::Container() {
  pid_ = check(::fork(), "fork", "a container");
  if (pid_ == 0) {
    if (::unshare(CLONE_NEWNET) == -1) ::_exit(1);
    ready_.write_end.reset();
    for (;;) ::pause();
  }
  ready_.write_end.reset();
  pollfd event{.fd = ready_.read_end.get(), .events = POLLIN, .revents = 0};
  check(::poll(&event, 1, kTimeoutMs), "wait for", "a container");
}

Container::~Container() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string state_of(pid_t pid, const StateWords& words) {
  return fmt::format(
      R"({{"ociVersion":"1.0.2","id":"{}","status":"creating","pid":{},"bundle":"{}",)"
      R"("annotations":{{{}}}}})",
      words.id, pid, words.bundle, words.annotations);
}

}  // namespace netlend::test
