#include "support/lab.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <regex>
#include <stdexcept>

#include "base/syscall.hpp"

namespace netlend::test {

namespace {
struct Result {
  int status = 0;
  std::string output;
};

Result run_shell(const std::string& command) {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
  UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  const pid_t child = check(::fork(), "fork", command);
  if (child == 0) {
    ::dup2(write_end.get(), STDOUT_FILENO);
    ::dup2(write_end.get(), STDERR_FILENO);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  write_end.reset();
  Result result;
  std::array<char, 4096> chunk{};
  ssize_t got = 0;
  while ((got = retry([&] { return ::read(read_end.get(), chunk.data(), chunk.size()); })) > 0) {
    result.output.append(chunk.data(), static_cast<std::size_t>(got));
  }
  check(retry([&] { return ::waitpid(child, &result.status, 0); }), "wait for", command);
  while (!result.output.empty() && result.output.back() == '\n') result.output.pop_back();
  return result;
}
}  // namespace

std::string sh(const std::string& command) {
  Result result = run_shell(command);
  if (result.status != 0) throw std::runtime_error("'" + command + "' failed: " + result.output);
  return result.output;
}

bool says(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool succeeds(const std::string& command) { return run_shell(command).status == 0; }

std::string observe(const std::string& device) {
  const std::string all = sh(
      "ip -d -j addr show dev " + device + "; ip -4 -d -j route show table all dev " + device +
      "; ip -6 -d -j route show table all dev " + device + "; ip -j neigh show nud permanent dev " +
      device + "; ip -j neigh show proxy dev " + device + "; tc -j qdisc show dev " + device);
  static const std::regex kLifetimes(
      R"re("(valid_life_time|preferred_life_time|expires)":(?!4294967295)\d+)re");
  return std::regex_replace(all, kLifetimes, "\"$1\":\"finite\"");
}

void wait_for_dad() {
  // The kernel gives a device its own address when it sees the carrier, ends detection, and enters
  // the local route of an address, each in a worker of its own.
  while (!succeeds(R"sh(
      up=$(ip -o link show up | grep -vc LOOPBACK)
      test "$(ip -6 -o addr show up scope link | wc -l)" = "$up" &&
        test -z "$(ip -6 addr show tentative)" &&
        test "$(ip -6 -o addr show up | wc -l)" = \
          "$(ip -6 route show table local type local | wc -l)")sh")) {
  }
}

Sleeper::Sleeper(User user) : user_(user) {
  start([&] {
    if (user == User::ours) return ::unshare(CLONE_NEWNET) == 0;
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    std::ofstream map("/proc/self/uid_map");
    return bool(map << "0 0 1" << std::flush);
  });
}

Sleeper::Sleeper(int netns_fd) {
  start([&] { return ::setns(netns_fd, CLONE_NEWNET) == 0; });
}

void Sleeper::start(const std::function<bool()>& enter) {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "make", "a pipe");
  UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  pid_ = check(::fork(), "fork", "a sleeper");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::write(write_end.get(), enter() ? "y" : "n", 1) != 1) ::_exit(1);
    // It holds open no namespace but its own.
    static_cast<void>(::close_range(STDERR_FILENO + 1, ~0U, 0));
    for (;;) ::pause();
  }
  char ready = 'n';
  if (::read(read_end.get(), &ready, 1) != 1 || ready != 'y') {
    throw std::runtime_error("the sleeper got no network namespace");
  }
}

Sleeper::~Sleeper() { kill(); }

void Sleeper::kill() noexcept {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string Sleeper::sh(const std::string& command) const {
  const char* const also = user_ == User::its_own ? " -U --preserve-credentials" : "";
  return test::sh("nsenter -t " + std::to_string(pid_) + also + " -n sh -c '" + command + "'");
}

}  // namespace netlend::test
