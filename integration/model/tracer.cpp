// What lend, give back and reap really pass on their way, killed and not, for
// integration/model/run: a file a scenario in the folder NETLEND_TRACES, a step a line.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "net/lending_fixture.hpp"

using netlend::LendingContext;
using netlend::ReapScope;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::Sleeper;

namespace {
constexpr const char* kDevice = "eth0=lan0 addr=10.77.0.2/24";

class Trace {
 public:
  explicit Trace(const std::string& name)
      : file_(netlend::check(::open((folder() + "/" + name).c_str(),
                                    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600),
                             "create", name)) {}

  /// Of the sentences that on_step is told, only names of steps are one word.
  void note(std::string_view what) {
    if (what.find(' ') != std::string_view::npos) return;
    netlend::write_all(file_.get(), std::string(what) + "\n", "trace");
    ++count_;
  }
  LendingContext context(Lab& lab) {
    auto context = lab.context();
    context.on_step = [this](std::string_view what) { note(what); };
    return context;
  }
  /// Runs `work` in a child that is killed before its step number `step`, counted from 1. False if
  /// it ended before it came that far.
  template <typename Work>
  bool until_killed(Lab& lab, int step, Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto context = lab.context();
      count_ = 1;
      context.on_step = [&](std::string_view what) {
        if (count_ == step && what.find(' ') == std::string_view::npos) {
          note("killed");
          ::kill(::getpid(), SIGKILL);
        }
        note(what);
      };
      work(context);
      ::_exit(0);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status);
  }

 private:
  static std::string folder() {
    const char* path = std::getenv("NETLEND_TRACES");  // NOLINT(concurrency-mt-unsafe)
    BOOST_REQUIRE(path != nullptr);
    return path;
  }

  netlend::UniqueFd file_;
  int count_ = 0;
};

void take_the_name_inside(Lab& lab) {
  lab.container.sh("ip link add lan0 type veth peer name other0");
}

void trace_killed_lend(Lab& lab, const std::string& name) {
  bool killed = true;
  for (int step = 1; killed; ++step) {
    Trace trace(name + std::to_string(step));
    killed = trace.until_killed(
        lab, step, [&](auto& context) { lend(context, Lab::plan(kDevice), lab.borrower()); });
    BOOST_TEST(reap(trace.context(lab), ReapScope::dead).empty());
    BOOST_TEST(joined(lab.give_all_back()) == "");
  }
}

void trace_killed_return(Lab& lab, const std::string& name, bool borrower_lives) {
  bool killed = true;
  for (int step = 1; killed; ++step) {
    Trace trace(name + std::to_string(step));
    Sleeper mortal;
    const auto ledger = lend(trace.context(lab), Lab::plan(kDevice), Lab::borrower_of(mortal));
    if (!borrower_lives) mortal.kill();
    killed = trace.until_killed(lab, step, [&](auto& context) { give_back(context, ledger); });
    BOOST_TEST(reap(trace.context(lab), ReapScope::dead).empty());
    BOOST_TEST(joined(lab.give_all_back()) == "");
  }
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(trace, Lab)

BOOST_AUTO_TEST_CASE(of_a_lend) { trace_killed_lend(*this, "lend-"); }

BOOST_AUTO_TEST_CASE(of_a_lend_through_staging) {
  take_the_name_inside(*this);
  trace_killed_lend(*this, "lend-staged-");
}

BOOST_AUTO_TEST_CASE(of_a_return_from_the_living) { trace_killed_return(*this, "return-", true); }

BOOST_AUTO_TEST_CASE(of_a_return_from_the_dead) {
  trace_killed_return(*this, "return-of-dead-", false);
}

BOOST_AUTO_TEST_CASE(of_a_lend_that_is_undone) {
  container.sh("ip link add eth0 type veth peer name other0");
  Trace trace("undone");
  BOOST_CHECK_THROW(lend(trace.context(*this), plan(kDevice), borrower()), netlend::Error);
}

BOOST_AUTO_TEST_CASE(of_a_lend_of_what_the_dead_still_hold) {
  Trace trace("second-lend");
  lend(trace.context(*this), plan(kDevice), borrower());
  container.kill();
  Sleeper second;
  lend(trace.context(*this), plan(kDevice), borrower_of(second, "db2"));
  BOOST_TEST(joined(give_all_back()) == "");
}

BOOST_AUTO_TEST_SUITE_END()
