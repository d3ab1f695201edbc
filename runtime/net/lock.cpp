#include "net/lock.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <ctime>

#include "base/error.hpp"
#include "base/syscall.hpp"

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
}  // namespace

std::optional<LedgerLock> LedgerLock::try_acquire(const StateDirectory& state,
                                                  const std::string& ledger_name) {
  const std::string file = "." + ledger_name + ".lock";
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
      throw Error(fmt::format("ledger '{}': somebody else has been working on it for {} ms; try "
                              "again, or see 'netlend loans'",
                              ledger_name, timeout_ms),
                  ETIMEDOUT);
    }
    ::nanosleep(&kPollInterval, nullptr);
  }
}

void LedgerLock::remove() noexcept { ::unlinkat(folder_, file_.c_str(), 0); }

}  // namespace netlend
