#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "net/ledger/ledger.hpp"
#include "net/lending_fixture.hpp"
#include "net/steps.hpp"

using netlend::Step;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::sh;
using netlend::test::succeeds;

namespace {
/// Runs `work` in a child that is killed before its step number `step`, counted from 1. False if it
/// ended before it came that far.
template <typename Work>
bool kill_before_step(Lab& lab, int step, Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    int count = 0;
    auto context = lab.context();
    context.on_step = [&](std::string_view) {
      if (++count == step) ::kill(::getpid(), SIGKILL);
    };
    try {
      work(context);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  BOOST_REQUIRE_MESSAGE(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0),
                        "the work itself failed at step " << step);
  return killed;
}

/// Runs `work` in a child that is killed before the `nth` time that it comes to a step.
template <typename Work>
void kill_before(Lab& lab, netlend::Step step, int nth, Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto context = lab.context();
    context.on_step = [&](std::string_view passed) {
      if (passed == step_name(step) && --nth == 0) ::kill(::getpid(), SIGKILL);
    };
    work(context);
    ::_exit(0);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_REQUIRE(WIFSIGNALED(status));
}

/// However far it came, one reap brings everything home, even with the borrower alive.
void check_reaped(Lab& lab, int step) {
  BOOST_TEST_CONTEXT("killed before step " << step) {
    BOOST_TEST(joined(lab.give_all_back()) == "");
    lab.check_home_as_it_was();
    lab.check_state_is_empty();
  }
}

constexpr const char* kDevice = "eth0=lan0 addr=10.77.0.2/24 gw=10.77.0.9 mtu=1300";
constexpr const char* kPair = "eth0=veth:h0 host-addr=10.99.0.1/24 addr=10.99.0.2/24";

/// As if all of its ledgers had been written before the machine was started again: who has their
/// pids now is somebody else.
void write_in_another_boot(Lab& lab) {
  for (const auto& name : list_ledgers(lab.state())) {
    auto ledger = load_ledger(lab.state(), name).value();
    ledger.lender = netlend::identify_process(::getpid());
    ledger.guardian = ledger.lender;
    for (auto* who : {&ledger.lender, &*ledger.guardian, &*ledger.process}) {
      who->boot_id = "01234567-89ab-4cde-8f01-23456789abcd";
    }
    save_ledger(lab.state(), ledger);
  }
}

void check_lending(Lab& lab, const char* spec, int fewest_steps) {
  const auto work = [&](auto& context) { lend(context, Lab::plan(spec), lab.borrower()); };
  int step = 1;
  for (; kill_before_step(lab, step, work); ++step) {
    check_reaped(lab, step);
    BOOST_TEST(!succeeds("ip link show h0"));
  }
  BOOST_TEST(step > fewest_steps);
  check_reaped(lab, step);
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(killed_at_every_step, Lab)

BOOST_AUTO_TEST_CASE(of_lending_a_device) { check_lending(*this, kDevice, 10); }

BOOST_AUTO_TEST_CASE(of_lending_a_device_whose_name_is_taken_inside) {
  container.sh("ip link add lan0 type veth peer name other0");
  check_lending(*this, kDevice, 10);
}

BOOST_AUTO_TEST_CASE(of_making_a_pair) { check_lending(*this, kPair, 7); }

BOOST_AUTO_TEST_CASE(of_giving_a_device_back_to_a_home_that_waits_for_it) {
  for (const bool borrower_lives : {true, false}) {
    int step = 1;
    for (bool killed = true; killed; ++step) {
      netlend::test::Sleeper one_more;
      const auto ledger = lend(context(), plan(kDevice), borrower_of(one_more, "db1"));
      if (!borrower_lives) one_more.kill();
      killed = kill_before_step(*this, step,
                                [&](auto& context) { netlend::give_back(context, ledger); });
      check_reaped(*this, step);
    }
    BOOST_TEST(step > 10);
  }
}

BOOST_AUTO_TEST_CASE(of_removing_a_pair) {
  int step = 1;
  for (bool killed = true; killed; ++step) {
    const auto ledger = lend(context(), plan(kPair), borrower());
    killed =
        kill_before_step(*this, step, [&](auto& context) { netlend::give_back(context, ledger); });
    check_reaped(*this, step);
    BOOST_TEST(!succeeds("ip link show h0"));
  }
  BOOST_TEST(step > 3);
}

BOOST_AUTO_TEST_CASE(of_lending_two_devices_whose_names_are_both_taken_inside) {
  sh("ip link add ifb7 type ifb; ip link add ifb8 type ifb");
  container.sh("ip link add ifb7 type ifb; ip link add ifb8 type ifb");
  netlend::Plan both = plan("eth0=ifb7");
  both.nics.push_back(netlend::parse_nic_spec("eth1=ifb8"));
  kill_before(*this, Step::move_in, 2, [&](auto& context) { lend(context, both, borrower()); });
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(succeeds("ip link show ifb7 && ip link show ifb8"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(before_it_wrote_the_index_inside_of_a_device_that_the_borrower_unmarks) {
  sh("ip link add ifb7 type ifb");
  kill_before(*this, Step::write_lent, 1,
              [&](auto& context) { lend(context, plan("eth0=ifb7"), borrower()); });
  container.sh(
      "ip link property del dev eth0 altname $(ip -j link show eth0 | grep -o netlend-[0-9a-f]*)");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(succeeds("ip link show ifb7"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(before_the_move_of_a_device_that_the_borrower_makes_one_like) {
  sh("ip link add ifb7 index 77 type ifb");
  kill_before(*this, Step::move_in, 1,
              [&](auto& context) { lend(context, plan("eth0=ifb7"), borrower()); });
  container.sh("ip link add decoy0 index 77 type ifb");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(succeeds("ip link show ifb7"));
  BOOST_TEST(container.sh("ip link show decoy0").find("77: decoy0") == 0U);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(in_another_boot_whose_pids_are_others_now) {
  container.sh("ip link add own0 type ifb");
  const std::string own = container.sh("ip link show own0");
  int step = 1;
  for (bool killed = true; killed; ++step) {
    BOOST_TEST_CONTEXT("killed before step " << step) {
      killed = kill_before_step(*this, step,
                                [&](auto& context) { lend(context, plan(kDevice), borrower()); });
      write_in_another_boot(*this);
      BOOST_TEST(reap(context(), netlend::ReapScope::dead).empty());
      check_home_as_it_was();
      check_state_is_empty();
      BOOST_TEST(container.sh("ip link show own0") == own);
    }
  }
  BOOST_TEST(step > 10);
}

BOOST_AUTO_TEST_SUITE_END()
