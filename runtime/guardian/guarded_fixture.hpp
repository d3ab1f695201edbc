#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "guardian/guardian.hpp"
#include "net/ledger/ledger.hpp"
#include "net/lending_fixture.hpp"

namespace netlend::test {

/// Lends with a guardian, as a process does that doesn't stay; its guardians end with the test.
class Guarded : public Lab {
 public:
  /// To find what hangs.
  static constexpr int kTimeoutMs = 60'000;
  /// DESIGN.md promises less, for a machine that does nothing else.
  static constexpr int kHomeWithinMs = 2000;
  static constexpr const char* kDevice = "eth0=lan0 addr=10.77.0.2/24";

  ~Guarded() {
    for (const auto& guardian : guardians_) {
      if (liveness(guardian) == Liveness::alive) ::kill(guardian.pid, SIGKILL);
    }
  }
  Guarded() = default;
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  Guarded(Guarded&&) = delete;
  Guarded& operator=(Guarded&&) = delete;

  /// Lends as a process does that ends then; returns who stays.
  ProcessIdentity lend_and_leave(const Borrower& borrower, const char* device = kDevice) {
    const pid_t lender = ::fork();
    if (lender == 0) {
      try {
        lend_guarded(context(), plan(device), borrower);
      } catch (const std::exception&) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(lender, &status, 0) == lender);
    BOOST_REQUIRE(status == 0);
    return guardian_of(ledgers_of(state(), borrower.id).at(0));
  }

  ProcessIdentity guardian_of(const std::string& ledger_name) {
    const auto ledger = load_ledger(state(), ledger_name);
    BOOST_REQUIRE((ledger && ledger->guardian));
    guardians_.push_back(*ledger->guardian);
    return *ledger->guardian;
  }

  static void wait_for_end(const ProcessIdentity& guardian, int timeout_ms = kTimeoutMs) {
    if (liveness(guardian) == Liveness::dead) return;
    const UniqueFd pidfd = open_pidfd(guardian.pid);
    BOOST_REQUIRE(wait_for_exit(pidfd.get(), timeout_ms));
  }

 private:
  std::vector<ProcessIdentity> guardians_;
};

}  // namespace netlend::test
