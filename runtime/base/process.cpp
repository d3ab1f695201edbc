#include "base/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr std::size_t kProcFileMax = std::size_t{64} * 1024;
// Fields of /proc/PID/stat behind the command name's closing parenthesis, which may itself hold
// blanks and parentheses: state is the first, start time the twentieth.
constexpr std::size_t kStateField = 0;
constexpr std::size_t kFlagsField = 6;
constexpr std::size_t kStartTimeField = 19;
constexpr std::uint64_t kExiting = 0x4;  // PF_EXITING, include/linux/sched.h

struct Stat {
  char state = '?';
  std::uint64_t flags = 0;
  std::uint64_t start_time_ticks = 0;
};

/// The text of /proc/PID/`file`; nothing where there is no such process.
std::optional<std::string> read_proc_file(pid_t pid, std::string_view file) {
  try {
    return read_file_if_exists(AT_FDCWD, fmt::format("/proc/{}/{}", pid, file), kProcFileMax);
  } catch (const Error& error) {
    // The process may end between open and read.
    if (error.errno_value() != ESRCH) throw;
    return std::nullopt;
  }
}

std::optional<Stat> read_stat(pid_t pid) {
  const auto text = read_proc_file(pid, "stat");
  if (!text) return std::nullopt;
  const auto refuse = [&](std::string_view why) {
    throw Error(fmt::format("read '/proc/{}/stat': {}", pid, why));
  };
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos) refuse("unknown format");
  const auto fields = split_words(std::string_view(*text).substr(name_end + 1), " \n");
  if (fields.size() <= kStartTimeField) refuse("too short");
  const auto flags = parse_number(fields[kFlagsField], UINT32_MAX);
  const auto start = parse_number(fields[kStartTimeField], UINT64_MAX);
  if (!flags || !start) refuse("its flags or its start time are no number");
  return Stat{.state = fields[kStateField].front(), .flags = *flags, .start_time_ticks = *start};
}

/// Whether SIGKILL waits for it: also every other signal that ends a process does so by that
/// (kernel/signal.c, complete_signal).
bool is_killed(pid_t pid) {
  constexpr std::uint64_t kKillBit = 1U << (SIGKILL - 1);
  const auto text = read_proc_file(pid, "status");
  if (!text) return false;
  const auto lines = split_words(*text, "\n");
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) {
    const auto words = split_words(line, "\t");
    if (words.size() != 2 || (words[0] != "SigPnd:" && words[0] != "ShdPnd:")) return false;
    std::uint64_t signals = 0;
    std::from_chars(words[1].data(), words[1].data() + words[1].size(), signals, 16);
    return (signals & kKillBit) != 0;
  });
}

std::uint64_t own_pid_namespace() {
  struct stat status {};
  check(::stat("/proc/self/ns/pid", &status), "stat", "/proc/self/ns/pid");
  return status.st_ino;
}
}  // namespace

std::string boot_id() {
  constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";
  auto id = read_attribute(AT_FDCWD, kPath);
  if (!id) throw_errno(ENOENT, "read", kPath);
  return *std::move(id);
}

ProcessIdentity identify_process(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) throw_errno(ESRCH, "identify process", std::to_string(pid));
  return ProcessIdentity{.pid = pid,
                         .start_time_ticks = stat->start_time_ticks,
                         .boot_id = boot_id(),
                         .pid_namespace = own_pid_namespace()};
}

bool is_ending(const ProcessIdentity& process) {
  if (liveness(process) != Liveness::alive) return false;
  // In this order: who has taken the signal off has begun to exit.
  if (is_killed(process.pid)) return true;
  const auto stat = read_stat(process.pid);
  return !stat || (stat->flags & kExiting) != 0;
}

bool wait_for_end(const ProcessIdentity& process, int timeout_ms) {
  UniqueFd pidfd;
  try {
    pidfd = open_pidfd(process.pid);
  } catch (const Error& error) {
    if (error.errno_value() != ESRCH) throw;
    return true;
  }
  // Its pid may be another's by now.
  return liveness(process) == Liveness::dead || wait_for_exit(pidfd.get(), timeout_ms);
}

Liveness liveness(const ProcessIdentity& process) {
  if (process.boot_id != boot_id()) return Liveness::dead;
  if (process.pid_namespace != own_pid_namespace()) return Liveness::unknown;
  const auto stat = read_stat(process.pid);
  if (!stat || stat->start_time_ticks != process.start_time_ticks) return Liveness::dead;
  return stat->state == 'Z' || stat->state == 'X' ? Liveness::dead : Liveness::alive;
}

}  // namespace netlend
