#include "base/process.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"
#include "base/syscall.hpp"

using netlend::Liveness;

namespace {
/// A process that has been killed and can't end before it is let.
class Dying {
 public:
  Dying() : pid_(::fork()) {
    if (pid_ == 0) {
      ::pause();
      ::_exit(0);
    }
    BOOST_REQUIRE(::ptrace(PTRACE_SEIZE, pid_, nullptr, PTRACE_O_TRACEEXIT) == 0);
  }
  Dying(const Dying&) = delete;
  Dying& operator=(const Dying&) = delete;
  Dying(Dying&&) = delete;
  Dying& operator=(Dying&&) = delete;
  ~Dying() {
    let_end();
    ::waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }
  void kill() const {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);  // It has stopped, ptrace(2), PTRACE_EVENT_EXIT.
  }
  void let_end() const { ::ptrace(PTRACE_CONT, pid_, nullptr, nullptr); }

 private:
  pid_t pid_;
};
}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(a_process_is_alive_until_it_ends_even_if_nobody_reaped_it) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto identity = netlend::identify_process(child);
  const auto pidfd = netlend::open_pidfd(child);
  BOOST_CHECK(netlend::liveness(identity) == Liveness::alive);
  BOOST_TEST(netlend::is_alive(pidfd.get()));

  ::kill(child, SIGKILL);
  BOOST_TEST(netlend::wait_for_exit(pidfd.get(), 5000));
  BOOST_CHECK(netlend::liveness(identity) == Liveness::dead);
  ::waitpid(child, nullptr, 0);
  BOOST_CHECK(netlend::liveness(identity) == Liveness::dead);
}

BOOST_AUTO_TEST_CASE(one_that_was_killed_is_ending_until_it_has_ended) {
  const Dying process;
  const auto identity = netlend::identify_process(process.pid());
  BOOST_TEST(!netlend::is_ending(identity));
  process.kill();
  BOOST_CHECK(netlend::liveness(identity) == Liveness::alive);
  BOOST_TEST(netlend::is_ending(identity));
  BOOST_TEST(!netlend::wait_for_end(identity, 1));
  process.let_end();
  BOOST_TEST(netlend::wait_for_end(identity, 5000));
  BOOST_TEST(!netlend::is_ending(identity));
}

BOOST_AUTO_TEST_CASE(a_recycled_pid_is_not_taken_for_the_process_that_had_it) {
  auto identity = netlend::identify_process(::getpid());
  identity.start_time_ticks -= 1;
  BOOST_CHECK(netlend::liveness(identity) == Liveness::dead);
}

BOOST_AUTO_TEST_CASE(every_process_of_an_earlier_boot_is_dead) {
  auto identity = netlend::identify_process(::getpid());
  identity.boot_id = "00000000-0000-0000-0000-000000000000";
  BOOST_CHECK(netlend::liveness(identity) == Liveness::dead);
}

BOOST_AUTO_TEST_CASE(a_pid_of_another_pid_namespace_is_not_judged) {
  auto identity = netlend::identify_process(::getpid());
  identity.pid_namespace += 1;
  BOOST_CHECK(netlend::liveness(identity) == Liveness::unknown);
}

BOOST_AUTO_TEST_CASE(an_unused_pid_is_an_error_that_names_it) {
  BOOST_CHECK_EXCEPTION(netlend::identify_process(4194303), netlend::Error, [](const auto& error) {
    return std::string(error.what()).find("4194303") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
