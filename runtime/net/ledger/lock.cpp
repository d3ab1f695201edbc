#include "net/ledger/lock.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <ctime>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/syscall.hpp"
#include "base/text.hpp"

namespace netlend {

namespace {
constexpr timespec kPollInterval{.tv_sec = 0, .tv_nsec = 2'000'000};

/// Whether the file that we locked is still the one that others would lock.
bool is_current(int folder, const std::string& file, int fd) {
  struct stat ours {};
  struct stat theirs {};
  return ::fstat(fd, &ours) == 0 && ::fstatat(folder, file.c_str(), &theirs, 0) == 0 &&
         ours.st_ino == theirs.st_ino;
}

std::string file_of(const std::string& ledger_name) { return "." + ledger_name + ".lock"; }

/// The pid of who has locked `file`; nothing where nobody has who can be seen from here. Throws
/// Error. Source: proc(5), /proc/locks.
std::optional<std::string> find_holder(int folder, const std::string& file) {
  constexpr std::size_t kLocksMaxBytes = std::size_t{4} << 20;
  constexpr std::size_t kKind = 1;
  constexpr std::size_t kPid = 4;
  constexpr std::size_t kFile = 5;
  struct stat found {};
  check(::fstatat(folder, file.c_str(), &found, 0), "look at", file);
  const std::string id =
      fmt::format("{:02x}:{:02x}:{}", major(found.st_dev), minor(found.st_dev), found.st_ino);
  const auto locks = read_file(AT_FDCWD, "/proc/locks", kLocksMaxBytes);
  for (const auto line : split_words(locks, "\n")) {
    const auto words = split_words(line, " ");
    const bool is_it = words.size() > kFile && words[kKind] == "FLOCK" && words[kFile] == id;
    if (is_it) return std::string(words[kPid]);
  }
  return std::nullopt;
}

/// "process 12 ('netlend-hook')", if that can be seen from here. The lock's file itself doesn't say
/// it, since it is to work on a full disk.
std::string describe_holder(int folder, const std::string& file) {
  constexpr std::size_t kNameMaxBytes = 64;
  std::string holder = "somebody else";
  Failures unknown;
  attempt(unknown, [&] {
    const auto pid = find_holder(folder, file);
    if (!pid) return;
    holder = fmt::format("process {}", *pid);
    auto name = read_file(AT_FDCWD, fmt::format("/proc/{}/comm", *pid), kNameMaxBytes);
    name.pop_back();
    holder += fmt::format(" ('{}')", printable(name));
  });
  return holder;
}
}  // namespace

std::optional<LedgerLock> LedgerLock::try_acquire(const StateDirectory& state,
                                                  const std::string& ledger_name) {
  const std::string file = file_of(ledger_name);
  for (;;) {
    // Only for reading: so it opens on a disk that became read-only, too.
    UniqueFd fd{check(
        ::openat(state.ledgers(), file.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600),
        "open lock", file)};
    if (retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) == -1) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      throw_errno(errno, "lock", file);
    }
    if (is_current(state.ledgers(), file, fd.get())) {
      return LedgerLock(state.ledgers(), file, std::move(fd));
    }
  }
}

LedgerLock LedgerLock::acquire(const StateDirectory& state, const std::string& ledger_name,
                               int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  for (;;) {
    // flock(2) has no deadline of its own.
    if (auto lock = try_acquire(state, ledger_name)) return *std::move(lock);
    if (monotonic_ms() >= deadline) {
      throw Error(
          fmt::format("ledger '{}': {} has been working on it for {} ms; try again when that ended",
                      ledger_name, describe_holder(state.ledgers(), file_of(ledger_name)),
                      timeout_ms),
          ETIMEDOUT);
    }
    ::nanosleep(&kPollInterval, nullptr);
  }
}

bool LedgerLock::is_held(const StateDirectory& state, const std::string& ledger_name) {
  try {
    return find_holder(state.ledgers(), file_of(ledger_name)).has_value();
  } catch (const Error&) {
    return false;  // It has no file, or can't be looked at: nobody is known to.
  }
}

void LedgerLock::remove() noexcept { ::unlinkat(folder_, file_.c_str(), 0); }

}  // namespace netlend
