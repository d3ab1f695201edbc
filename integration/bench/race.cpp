// race ROUNDS NAME [netns=PATH] [stdin=FILE] [exit=N] COMMAND... [vs NAME ...]...
// Runs the commands, ROUNDS times all of them, each time in another order, since what one leaves
// the kernel to do can speed or slow the next; and prints for each its name and the median of its
// wall-clock time in microseconds. The exit code is 1 if one of them ended otherwise than with exit
// code N, 0 unless given.

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace {
using netlend::check;
using netlend::UniqueFd;

constexpr std::uint64_t kRoundsMax = 100'000;
constexpr std::uint64_t kExitCodeMax = 255;

struct Runner {
  std::string name;
  UniqueFd netns;
  std::string input = "/dev/null";
  int exit_code = 0;
  std::vector<char*> command;
  std::vector<double> times_us;
};

Runner parse_runner(const std::vector<char*>& words) {
  constexpr std::string_view kNetns = "netns=";
  constexpr std::string_view kStdin = "stdin=";
  constexpr std::string_view kExit = "exit=";
  Runner runner;
  for (char* word : words) {
    const std::string_view text = word;
    if (runner.name.empty()) {
      runner.name = text;
    } else if (runner.command.empty() && text.starts_with(kNetns)) {
      const std::string path(text.substr(kNetns.size()));
      runner.netns = UniqueFd{check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open", path)};
    } else if (runner.command.empty() && text.starts_with(kStdin)) {
      runner.input = text.substr(kStdin.size());
    } else if (runner.command.empty() && text.starts_with(kExit)) {
      const auto code = netlend::parse_number(text.substr(kExit.size()), kExitCodeMax);
      if (!code) throw netlend::Error::usage("exit=N: N is an exit code");
      runner.exit_code = static_cast<int>(*code);
    } else {
      runner.command.push_back(word);
    }
  }
  if (runner.command.empty()) throw netlend::Error::usage("a runner without a command");
  runner.command.push_back(nullptr);
  return runner;
}

std::vector<Runner> parse_runners(char** begin, char** end) {
  std::vector<Runner> runners;
  while (begin < end) {
    char** const next =
        std::find_if(begin, end, [](const char* w) { return std::string_view(w) == "vs"; });
    runners.push_back(parse_runner({begin, next}));
    begin = next == end ? end : next + 1;
  }
  return runners;
}

[[noreturn]] void become(const Runner& runner, int null) {
  const int input = ::open(runner.input.c_str(), O_RDONLY);
  const bool is_ready = input != -1 && ::dup2(input, STDIN_FILENO) != -1 &&
                        ::dup2(null, STDOUT_FILENO) != -1 &&
                        // What is expected to fail has nothing new to say.
                        (runner.exit_code == 0 || ::dup2(null, STDERR_FILENO) != -1) &&
                        (!runner.netns.is_open() || ::setns(runner.netns.get(), CLONE_NEWNET) == 0);
  if (is_ready) ::execvp(runner.command[0], runner.command.data());
  ::_exit(127);
}

void run_once(Runner& runner, int null) {
  const auto begin = std::chrono::steady_clock::now();
  const pid_t pid = check(::fork(), "fork", runner.name);
  if (pid == 0) become(runner, null);
  int status = 0;
  check(netlend::retry([&] { return ::waitpid(pid, &status, 0); }), "wait for", runner.name);
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - begin;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != runner.exit_code)
    throw netlend::Error(fmt::format("{}: failed", runner.name));
  runner.times_us.push_back(time.count());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void race(int argc, char** argv) {
  const auto rounds = argc > 3 ? netlend::parse_number(argv[1], kRoundsMax) : std::nullopt;
  if (!rounds || *rounds == 0) {
    throw netlend::Error::usage(
        "race ROUNDS NAME [netns=PATH] [stdin=FILE] [exit=N] COMMAND... [vs ...]");
  }
  auto runners = parse_runners(argv + 2, argv + argc);
  const UniqueFd null{check(::open("/dev/null", O_WRONLY | O_CLOEXEC), "open", "/dev/null")};
  std::mt19937 random{std::random_device{}()};
  std::vector<std::size_t> order(runners.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // The first run of each reads its file from disk, and isn't counted.
  for (std::uint64_t round = 0; round <= *rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const auto i : order) run_once(runners[i], null.get());
    if (round > 0) continue;
    for (auto& runner : runners) runner.times_us.clear();
  }
  for (auto& runner : runners) fmt::print("{} {:.0f}\n", runner.name, median(runner.times_us));
}
}  // namespace

int main(int argc, char** argv) {
  try {
    race(argc, argv);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "race: {}\n", error.what());
    return 1;
  }
}
