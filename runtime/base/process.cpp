#include "base/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

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
constexpr std::size_t kStartTimeField = 19;

struct Stat {
  char state = '?';
  std::uint64_t start_time_ticks = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  std::optional<std::string> text;
  try {
    text = read_file_if_exists(AT_FDCWD, path, kProcFileMax);
  } catch (const Error& error) {
    // The process may end between open and read.
    if (error.errno_value() != ESRCH) throw;
  }
  if (!text) return std::nullopt;
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos) throw Error(fmt::format("read '{}': unknown format", path));
  const auto fields = split_words(std::string_view(*text).substr(name_end + 1), " \n");
  if (fields.size() <= kStartTimeField) throw Error(fmt::format("read '{}': too short", path));
  const auto start = parse_number(fields[kStartTimeField], UINT64_MAX);
  if (!start) throw Error(fmt::format("read '{}': start time is no number", path));
  return Stat{.state = fields[kStateField].front(), .start_time_ticks = *start};
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

Liveness liveness(const ProcessIdentity& process) {
  if (process.boot_id != boot_id()) return Liveness::dead;
  if (process.pid_namespace != own_pid_namespace()) return Liveness::unknown;
  const auto stat = read_stat(process.pid);
  if (!stat || stat->start_time_ticks != process.start_time_ticks) return Liveness::dead;
  return stat->state == 'Z' || stat->state == 'X' ? Liveness::dead : Liveness::alive;
}

}  // namespace netlend
