#include "container/test_run.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"
#include "container/container.hpp"
#include "container/exit_codes.hpp"

namespace netlend::test {

namespace {
constexpr int kPatience = 20'000;

[[noreturn]] void run_and_exit(const ContainerOptions& options,
                               const std::function<void()>& prepare) noexcept {
  int code = kExitNetlendFailed;
  std::string message;
  try {
    if (prepare) prepare();
    const HeldSignals signals;
    Container container(options);
    if (const auto failure = container.start()) {
      message = failure->message + "\n";
      code = failure->exit_code;
    } else {
      code = container.wait(signals);
    }
  } catch (const Error& error) {
    message = std::string(error.what()) + "\n";
  }
  static_cast<void>(::write(STDERR_FILENO, message.data(), message.size()) == 0);
  ::_exit(code);
}

void become_standard(int input, int output) {
  check(::dup2(input, STDIN_FILENO), "dup", "standard input");
  check(::dup2(output, STDOUT_FILENO), "dup", "standard output");
  check(::dup2(output, STDERR_FILENO), "dup", "standard error");
}
}  // namespace

ContainerOptions options_for(std::vector<std::string> command) {
  return {.id = ContainerId("box1"),
          .command = std::move(command),
          .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "HOME=/root", "LC_ALL=C"},
          .root = {}};
}

ContainerOptions shell(const std::string& script) { return options_for({"sh", "-c", script}); }

Runner::Runner(const ContainerOptions& options, const std::function<void()>& prepare) {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
  output_ = UniqueFd{ends[0]};
  const UniqueFd writer{ends[1]};
  pid_ = check(::fork(), "fork", "netlend");
  if (pid_ == 0) {
    const UniqueFd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    become_standard(nothing.get(), writer.get());
    run_and_exit(options, prepare);
  }
}

Runner Runner::on_terminal(const ContainerOptions& options) {
  Runner runner;
  runner.output_ = UniqueFd{check(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "open", "a pty")};
  check(::unlockpt(runner.output_.get()), "unlock", "a pty");
  const winsize size{.ws_row = 33, .ws_col = 101, .ws_xpixel = 0, .ws_ypixel = 0};
  check(::ioctl(runner.output_.get(), TIOCSWINSZ, &size), "size", "a pty");
  runner.pid_ = check(::fork(), "fork", "netlend");
  if (runner.pid_ == 0) {
    ::setsid();
    const UniqueFd slave{::ioctl(runner.output_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
    ::ioctl(slave.get(), TIOCSCTTY, 0);
    become_standard(slave.get(), slave.get());
    run_and_exit(options, {});
  }
  return runner;
}

Runner::~Runner() {
  if (pid_ <= 0 || !output_.is_open()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

pid_t Runner::init() const {
  const auto path = fmt::format("/proc/{0}/task/{0}/children", pid_);
  const auto text = read_file(AT_FDCWD, path, 4096);
  const auto words = split_words(text, " \n");
  BOOST_REQUIRE_EQUAL(words.size(), 1U);
  return static_cast<pid_t>(parse_number(words.front(), INT32_MAX).value());
}

void Runner::signal(int number) const { check(::kill(pid_, number), "signal", "netlend"); }

void Runner::type(std::string_view keys) const { write_all(output_.get(), keys, "the terminal"); }

bool Runner::read_some(int timeout_ms) {
  pollfd entry{.fd = output_.get(), .events = POLLIN, .revents = 0};
  BOOST_REQUIRE_MESSAGE(retry([&] { return ::poll(&entry, 1, timeout_ms); }) > 0,
                        "nothing more came after: " << unread_);
  std::array<char, 4096> chunk{};
  const auto size = ::read(output_.get(), chunk.data(), chunk.size());
  // A pty says EIO where a pipe says 0.
  if (size <= 0) return false;
  unread_.append(chunk.data(), static_cast<std::size_t>(size));
  return true;
}

std::string Runner::read_until(std::string_view text) {
  std::size_t at = 0;
  while ((at = unread_.find(text)) == std::string::npos) {
    BOOST_REQUIRE_MESSAGE(read_some(kPatience), "'" << text << "' never came, but: " << unread_);
  }
  auto result = unread_.substr(0, at + text.size());
  unread_.erase(0, at + text.size());
  return result;
}

std::string Runner::read_rest() {
  while (read_some(kPatience)) {
  }
  return std::exchange(unread_, {});
}

int Runner::exit_code() {
  int status = 0;
  check(retry([&] { return ::waitpid(pid_, &status, 0); }), "wait for", "netlend");
  pid_ = -1;
  return exit_code_of(status);
}

Outcome run(const ContainerOptions& options, const std::function<void()>& prepare) {
  Runner runner(options, prepare);
  auto output = runner.read_rest();
  return {.exit_code = runner.exit_code(), .output = std::move(output)};
}

}  // namespace netlend::test
