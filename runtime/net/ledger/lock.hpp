#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "net/ledger/state_directory.hpp"

namespace netlend {

/// Held by whoever changes what a ledger says or describes; free again when its holder ends,
/// however it ends. Source: flock(2).
class LedgerLock {
 public:
  /// Nothing while somebody else holds it.
  static std::optional<LedgerLock> try_acquire(const StateDirectory& state,
                                               const std::string& ledger_name);
  /// Waits at most `timeout_ms`. Throws Error (ETIMEDOUT), which names the holder.
  static LedgerLock acquire(const StateDirectory& state, const std::string& ledger_name,
                            int timeout_ms);

  /// Whether a process that can be seen from here holds it; nobody is kept from it meanwhile.
  static bool is_held(const StateDirectory& state, const std::string& ledger_name);

  /// Removes the lock's file too, once its ledger is closed; those who wait for it see that.
  void remove() noexcept;

 private:
  LedgerLock(int folder, std::string file, UniqueFd fd)
      : folder_(folder), file_(std::move(file)), fd_(std::move(fd)) {}

  int folder_;
  std::string file_;
  UniqueFd fd_;
};

}  // namespace netlend
