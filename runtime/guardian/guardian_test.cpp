#include "guardian/guardian.hpp"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <map>
#include <set>

#include "base/syscall.hpp"
#include "guardian/guarded_fixture.hpp"
#include "net/ledger/lock.hpp"

using netlend::Borrower;
using netlend::lend_guarded;
using netlend::Liveness;
using netlend::liveness;
using netlend::test::Guarded;
using netlend::test::joined;
using netlend::test::load_program;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::succeeds;

namespace {
std::map<std::string, std::string> read_fields(const std::string& path) {
  std::map<std::string, std::string> fields;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto value = line.find_first_not_of(" \t", colon + 1);
    fields[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
  }
  return fields;
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(guardian, Guarded)

BOOST_AUTO_TEST_CASE(it_brings_everything_home_when_the_borrower_dies) {
  const auto guardian = lend_and_leave(borrower());
  BOOST_TEST(!succeeds("ip link show lan0"));
  container.kill();
  wait_for_end(guardian, kHomeWithinMs);
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_device_is_not_sent_to_a_home_that_only_its_guardian_holds) {
  // A namespace that has no name, and whose only process is the lender.
  const pid_t lender = ::fork();
  if (lender == 0) {
    netlend::test::enter_new_netns();
    sh("ip link add own0 type veth peer name far0 netns " + std::to_string(neighbour.pid()));
    lend_guarded(context(), plan("eth0=own0"), borrower());
    ::_exit(0);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(lender, &status, 0) == lender);
  BOOST_REQUIRE(status == 0);
  const auto guardian = guardian_of(ledgers_of(state(), borrower().id).at(0));
  const std::string pid = std::to_string(guardian.pid);
  BOOST_TEST(joined(give_all_back())
                 .find("was removed, and only netlend itself still holds that; "
                       "'ip netns attach NAME " +
                       pid + "' gives it a name again") != std::string::npos);
  container.sh("ip link show eth0");
  neighbour.sh("ip link show far0");

  sh("ip netns attach green " + pid);
  BOOST_TEST(joined(give_all_back()) == "");
  sh("ip -n green link show own0");
  check_state_is_empty();
  sh("ip netns delete green");
}

BOOST_AUTO_TEST_CASE(reap_and_the_next_lender_wait_for_one_that_is_at_it) {
  for (int round = 0; round < 5; ++round) {
    Sleeper first;
    auto borrower_that_dies = borrower("db2");
    borrower_that_dies.netns = netlend::Netns::of_process(first.pid());
    borrower_that_dies.process = netlend::identify_process(first.pid());
    const auto guardian = lend_and_leave(borrower_that_dies);
    first.kill();
    if (round % 2 == 0) {
      BOOST_TEST(reap(context(), netlend::ReapScope::dead).empty());
      check_home_as_it_was();
    } else {
      lend(context(), plan(kDevice), borrower());
    }
    wait_for_end(guardian);
    BOOST_TEST(joined(give_all_back()) == "");
  }
}

BOOST_AUTO_TEST_CASE(reap_waits_for_one_that_undoes_what_a_killed_lender_left) {
  // The borrower lives on: the guardian is all that is left of the lender.
  const pid_t lender = ::fork();
  if (lender == 0) {
    auto killed = context();
    killed.on_step = [](std::string_view step) {
      if (step == "write_ready") ::kill(::getpid(), SIGKILL);
    };
    lend_guarded(killed, plan(kDevice), borrower());
    ::_exit(0);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(lender, &status, 0) == lender);
  BOOST_REQUIRE(WIFSIGNALED(status));
  const std::string ledger = ledgers_of(state(), borrower().id).at(0);
  const auto guardian = guardian_of(ledger);
  while (!netlend::LedgerLock::is_held(state(), ledger) && is_open(state(), ledger)) {
  }
  BOOST_TEST(reap(context(), netlend::ReapScope::all).empty());
  check_home_as_it_was();
  check_state_is_empty();
  wait_for_end(guardian);
}

BOOST_AUTO_TEST_CASE(it_keeps_a_program_that_nothing_but_the_device_holds) {
  const auto attach = [](netlend::Site& site, const char* device, int program) {
    netlend::Message message =
        change_link(find_link(site.socket, std::string(device))->ifindex, "attach XDP");
    message.begin(IFLA_XDP)
        .put_u32(IFLA_XDP_FD, static_cast<std::uint32_t>(program))
        .put_u32(IFLA_XDP_FLAGS, XDP_FLAGS_DRV_MODE)
        .end();
    site.socket.call(message);
  };
  netlend::Site home{netlend::Netns::current()};
  attach(home, "lan0", load_program(BPF_PROG_TYPE_XDP).get());
  const std::string before = sh("ip -d -j link show dev lan0");
  const auto guardian = lend_and_leave(borrower());
  netlend::Site inside{netlend::Netns::of_process(container.pid())};
  attach(inside, "eth0", -1);
  container.kill();
  wait_for_end(guardian, kHomeWithinMs);
  BOOST_TEST(sh("ip -d -j link show dev lan0") == before);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(it_ends_when_somebody_else_gives_back) {
  const auto guardian = lend_and_leave(borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  wait_for_end(guardian);
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(beside_a_lender_who_stays_it_waits_for_his_end) {
  const pid_t lender = ::fork();
  if (lender == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      lend_guarded(context(), plan(kDevice), borrower(), {.lender = netlend::Lender::stays});
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::kill(::getpid(), SIGSTOP);  // He has a device to bring home, and takes his time.
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(lender, &status, WUNTRACED) == lender);
  BOOST_REQUIRE(WIFSTOPPED(status));
  const auto guardian = guardian_of(ledgers_of(state(), borrower().id).at(0));
  sh("ip link add lan1 type veth peer name peer1");
  const auto guardian_of_other = lend_and_leave(borrower("db2"), "eth1=lan1");
  container.kill();
  wait_for_end(guardian_of_other);
  BOOST_TEST((liveness(guardian) == Liveness::alive));
  BOOST_TEST(!succeeds("ip link show lan0"));
  ::kill(lender, SIGKILL);
  ::waitpid(lender, &status, 0);
  wait_for_end(guardian, kHomeWithinMs);
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(it_ends_when_what_it_can_not_bring_home_is_given_up) {
  const auto guardian = lend_and_leave(borrower());
  const std::string ledger = ledgers_of(state(), borrower().id).at(0);
  std::set<ino_t> versions;
  const auto look = [&] {
    struct stat file {};
    BOOST_REQUIRE(::stat((state().path() + "/ledgers/" + ledger).c_str(), &file) == 0);
    versions.insert(file.st_ino);
  };
  look();
  container.sh("ip link delete eth0");
  container.kill();
  // It writes the ledger anew at each attempt, and waits 10 s after the third.
  const auto deadline = netlend::monotonic_ms() + kTimeoutMs;
  while (versions.size() < 4) {
    look();
    BOOST_REQUIRE(netlend::monotonic_ms() < deadline);
  }
  give_back(context(), ledger, netlend::Leftover::forget);
  wait_for_end(guardian, kHomeWithinMs);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_named_namespace_that_is_deleted_gives_back) {
  sh("ip netns add blue");
  const Borrower blue{.id = netlend::ContainerId{"blue"},
                      .key = "/run/netns/blue:eth0 ",
                      .netns = netlend::Netns::open("/run/netns/blue"),
                      .process = {},
                      .netns_path = "/run/netns/blue"};
  const auto guardian = lend_and_leave(blue);
  // Other mounts are none of its business.
  sh("ip netns add green && ip netns delete green");
  BOOST_TEST((liveness(guardian) == Liveness::alive));
  sh("ip netns delete blue");
  wait_for_end(guardian, kHomeWithinMs);
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(the_ends_of_a_loan_that_is_lent_again_need_one_guardian_only) {
  const auto guardian = lend_and_leave(borrower());
  BOOST_TEST((lend_and_leave(borrower()) == guardian));
  // The second has nothing to guard, and ends.
  const auto deadline = netlend::monotonic_ms() + kTimeoutMs;
  while (sh("pgrep --runstates R,S,D netlend-guard") != std::to_string(guardian.pid)) {
    BOOST_REQUIRE(netlend::monotonic_ms() < deadline);
  }
  container.kill();
  wait_for_end(guardian);
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_refused_loan_leaves_none) {
  BOOST_CHECK_THROW(lend_guarded(context(), plan("eth0=lan9"), borrower()), netlend::Error);
  // Our child: it is known to be gone when it can be waited for.
  BOOST_TEST(::waitpid(-1, nullptr, 0) > 0);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(it_finishes_what_a_lender_that_was_killed_half_way_began) {
  // An orphaned guardian is a child of ours, the first process of its pid namespace.
  const auto living_children = [] {
    return sh("pgrep --count --runstates R,S,D,T --parent " + std::to_string(::getpid()));
  };
  const auto others = living_children();
  int step = 1;
  for (bool killed = true; killed; ++step) {
    const pid_t lender = ::fork();
    if (lender == 0) {
      int count = 0;
      auto counting = context();
      counting.on_step = [&](std::string_view) {
        if (++count == step) ::kill(::getpid(), SIGKILL);
      };
      lend_guarded(counting, plan(kDevice), borrower());
      ::_exit(0);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(lender, &status, 0) == lender);
    killed = WIFSIGNALED(status);
    BOOST_TEST_CONTEXT("killed before step " << step) {
      // Of the last round the borrower lives on with what it has.
      if (!killed) BOOST_TEST(joined(give_all_back()) == "");
      const auto deadline = netlend::monotonic_ms() + kTimeoutMs;
      while (living_children() != others) BOOST_REQUIRE(netlend::monotonic_ms() < deadline);
      check_home_as_it_was();
      // A lease without a ledger holds nobody up, and goes with the next reap.
      BOOST_TEST(joined(give_all_back()) == "");
      check_state_is_empty();
    }
  }
  BOOST_TEST(step > 10);
}

BOOST_AUTO_TEST_CASE(it_is_listed_as_what_it_is_with_whom_it_watches) {
  const auto guardian = lend_and_leave(borrower("db1"));
  const std::string pid = std::to_string(guardian.pid);
  BOOST_TEST(sh("ps -o args= -p " + pid + " | sed 's/ *$//'") == "netlend-guardian db1");
  BOOST_TEST(sh("tr -d '\\0' </proc/" + pid + "/environ") == "");
  container.kill();
  wait_for_end(guardian);
}

BOOST_AUTO_TEST_CASE(nothing_that_ends_an_engine_ends_it) {
  const auto guardian = lend_and_leave(borrower());
  const std::string proc = "/proc/" + std::to_string(guardian.pid);
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) ::kill(guardian.pid, signal);
  BOOST_TEST(::getsid(guardian.pid) == guardian.pid);
  BOOST_TEST(sh("grep -v ':/netlend/.guardian$' " + proc + "/cgroup || true") == "");
  auto status = read_fields(proc + "/status");
  BOOST_TEST(status["Name"] == "netlend-guard");
  BOOST_TEST(status["NoNewPrivs"] == "1");
  // CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_CHROOT, CAP_SYS_PTRACE and CAP_SYS_ADMIN.
  for (const char* set : {"CapPrm", "CapEff", "CapBnd"})
    BOOST_TEST(status[set] == "00000000002c3000");
  // It follows a device: its namespace, and a socket there.
  BOOST_TEST(sh("readlink " + proc + "/fd/* | grep -c -e ^net: -e ^socket:") == "2");
  BOOST_TEST(sh("readlink " + proc +
                "/fd/* | grep -v -e /dev/null -e pidfd -e inotify -e ^net: -e ^socket: -e '^" +
                state().path() + "' || true") == "");
  container.kill();
  wait_for_end(guardian, kHomeWithinMs);
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(it_does_not_hold_up_the_machines_shutdown) {
  BOOST_REQUIRE(::getpid() == 1);
  const auto guardian = lend_and_leave(borrower());
  // What systemd's PID 1 is then.
  std::array<char, 16> own_name{};
  ::prctl(PR_GET_NAME, own_name.data());
  ::prctl(PR_SET_NAME, "systemd-shutdown");
  ::kill(guardian.pid, SIGTERM);
  wait_for_end(guardian);
  ::prctl(PR_SET_NAME, own_name.data());
  BOOST_TEST(!succeeds("ip link show lan0"));
}

BOOST_AUTO_TEST_CASE(a_killed_guardian_leaves_it_to_reap) {
  const auto guardian = lend_and_leave(borrower());
  ::kill(guardian.pid, SIGKILL);
  wait_for_end(guardian);
  container.kill();
  BOOST_TEST(!succeeds("ip link show lan0"));
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
