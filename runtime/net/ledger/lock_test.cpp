#include "net/ledger/lock.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "net/lending_fixture.hpp"

using netlend::LedgerLock;
using netlend::test::error_of;

namespace {
/// A process that holds the lock of a ledger until it is killed.
class Holder {
 public:
  Holder(const netlend::StateDirectory& state, const std::string& ledger_name) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    std::optional<LedgerLock> lock;
    while (!lock) lock = LedgerLock::try_acquire(state, ledger_name);  // We look at it meanwhile.
    for (;;) ::pause();
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  Holder(Holder&&) = delete;
  Holder& operator=(Holder&&) = delete;
  ~Holder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(lock, netlend::test::Lab)

BOOST_AUTO_TEST_CASE(who_waits_in_vain_is_told_who_holds_it) {
  const Holder holder(state(), "db1-0-1");
  while (auto mine = LedgerLock::try_acquire(state(), "db1-0-1")) {
  }
  BOOST_TEST(error_of([&] { static_cast<void>(LedgerLock::acquire(state(), "db1-0-1", 10)); }) ==
             "ledger 'db1-0-1': process " + std::to_string(holder.pid()) +
                 " ('lending_test') has been working on it for 10 ms; try again when that ended");
}

BOOST_AUTO_TEST_SUITE_END()
