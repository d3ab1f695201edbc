// What can't be brought home as it was.
#include <sched.h>

#include <utility>

#include "base/file.hpp"
#include "base/syscall.hpp"
#include "net/ledger/ledger.hpp"
#include "net/lending_fixture.hpp"
#include "net/steps.hpp"

using netlend::Leftover;
using netlend::Step;
using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::texts_of;

namespace {
class LeftoverLab : public Lab {
 public:
  LeftoverLab() { sh("ip link add lan1 type veth peer name far1; ip link set lan1 up"); }

  std::string forget(const std::string& ledger) {
    return texts_of(give_back(context(), ledger, Leftover::forget));
  }
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(leftover, LeftoverLab)

BOOST_AUTO_TEST_CASE(a_veth_deleted_with_its_end_at_home_is_reported_once_and_closed) {
  lend(context(), plan("eth0=lan1"), borrower());
  container.sh("ip link del eth0");
  BOOST_TEST(joined(give_all_back()) ==
             "device 'lan1' (lent to 'db1' as 'eth0') was deleted, its other end with it; its loan "
             "is closed");
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(what_was_deleted_keeps_nothing_else_away) {
  netlend::Plan both = plan("eth0=lan1");
  both.nics.push_back(netlend::parse_nic_spec("eth1=lan0"));
  lend(context(), both, borrower());
  container.sh("ip link del eth0");
  BOOST_TEST(says(joined(give_all_back()), "'lan1'"));
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(what_is_unplugged_on_its_way_is_told_of_and_keeps_nothing_else_away) {
  netlend::Plan both = plan("eth0=lan1");
  both.nics.push_back(netlend::parse_nic_spec("eth1=lan0"));
  for (const auto moment :
       {Step::mark_device, Step::move_in, Step::write_lent, Step::write_ready,
        Step::write_returning, Step::move_home, Step::restore_device, Step::unmark_device}) {
    bool is_unplugged = false;
    auto watched = context();
    watched.on_step = [&](std::string_view step) {
      if (step == step_name(moment) && !std::exchange(is_unplugged, true)) sh("ip link del far1");
    };
    BOOST_TEST_CONTEXT("unplugged before " << step_name(moment)) {
      std::string ledger;
      std::string said = error_of([&] { ledger = lend(watched, both, borrower()); });
      if (said.empty()) said = texts_of(give_back(watched, ledger));
      BOOST_TEST(is_unplugged);
      BOOST_TEST(says(said, "'lan1'"), said);
      said += joined(give_all_back());
      BOOST_TEST(says(said, "was deleted, its other end with it; its loan is closed"), said);
      check_home_as_it_was();
      check_state_is_empty();
    }
    sh("ip link add lan1 type veth peer name far1; ip link set lan1 up");
  }
}

BOOST_AUTO_TEST_CASE(a_veth_whose_end_at_home_was_moved_away_does_not_pass_for_deleted) {
  lend(context(), plan("eth0=lan1"), borrower());
  sh("ip link set far1 netns " + std::to_string(neighbour.pid()));
  const auto failures = joined(give_all_back());
  BOOST_TEST(says(failures, "neither at home nor"));
  BOOST_TEST(says(failures, "'netlend return --forget lan1'"));
  BOOST_TEST(says(container.sh("ip link show eth0"), "eth0"));
}

BOOST_AUTO_TEST_CASE(a_loan_whose_device_is_not_found_is_closed_where_root_forgets_it) {
  sh("ip link add ifb7 type ifb");
  const auto ledger = lend(context(), plan("eth0=ifb7"), borrower());
  container.sh("ip link del eth0");
  BOOST_TEST(says(joined(give_all_back()), "'netlend return --forget ifb7' gives it up"));
  BOOST_TEST(forget(ledger) ==
             "device 'ifb7' (lent to 'db1' as 'eth0') is given up: it is nowhere to be found");
  check_state_is_empty();
  BOOST_TEST(forget(ledger) == "");
}

BOOST_AUTO_TEST_CASE(forgetting_brings_home_what_can_be_brought) {
  sh("ip link add ifb7 type ifb");
  netlend::Plan both = plan("eth0=lan0 addr=10.77.0.2/24");
  both.nics.push_back(netlend::parse_nic_spec("eth1=ifb7"));
  const auto ledger = lend(context(), both, borrower());
  container.sh("ip link del eth1");
  BOOST_TEST(says(forget(ledger), "'ifb7'"));
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_dead_borrower_that_deleted_its_device_does_not_keep_its_id) {
  sh("ip link add ifb7 type ifb");
  lend(context(), plan("eth0=ifb7"), borrower());
  container.sh("ip link del eth0");
  container.kill();
  const netlend::test::Sleeper second;
  auto next = borrower_of(second);
  lend(context(), plan("eth0=lan0"), next);
  BOOST_TEST(says(second.sh("ip link show eth0"), "eth0"));
  BOOST_TEST(says(joined(give_all_back()), "'ifb7'"));
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_is_lent_again_by_the_same_words_and_refused_by_others) {
  const std::string first = lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(lend(context(), plan("eth0=lan0"), borrower()) == first);
  BOOST_TEST(
      error_of([&] { lend(context(), plan("eth0=lan0 mtu=1300"), borrower()); }) ==
      "device 'lan0' is lent to 'db1' already, by other words than these; 'netlend return lan0' "
      "brings it home");
  BOOST_TEST(joined(give_all_back()) == "");
}

BOOST_AUTO_TEST_CASE(a_name_that_was_lent_to_the_same_borrower_before_is_named) {
  sh("ip link set lan1 alias first");
  lend(context(), plan("eth0=lan1"), borrower());
  BOOST_TEST(error_of([&] { lend(context(), plan("eth0=lan0"), borrower()); }) ==
             "the name 'eth0' is taken in 'db1' by device 'lan1', which was lent before; choose "
             "another name inside, or bring that home by 'netlend return lan1'");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(what_another_hand_changes_is_told_and_undone_by_the_next_reap) {
  netlend::Plan both = plan("eth0=lan1");
  both.nics.push_back(netlend::parse_nic_spec("eth1=lan0"));
  const auto ledger = lend(context(), both, borrower());
  auto beside_another = context();
  int restored = 0;
  beside_another.on_step = [&](std::string_view step) {
    if (step != step_name(Step::restore_device) || ++restored != 2) return;
    sh("ip link set lan1 alias 'by another hand'");  // The first has been restored by then.
  };
  BOOST_TEST(texts_of(give_back(beside_another, ledger)) ==
             "device 'lan1' is home, but alias is by another hand, was  at home; device 'lan1' is "
             "home, but not as it was: 'netlend reap' tries again, 'netlend return --forget lan1' "
             "leaves it "
             "as it is now");
  check_home_as_it_was();
  BOOST_TEST(list_ledgers(state()).size() == 1U);
  container.kill();
  BOOST_TEST(texts_of(reap(context(), netlend::ReapScope::dead)) == "");
  BOOST_TEST(!says(sh("ip link show lan1"), "by another hand"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(nobody_else_can_have_a_device_while_a_ledger_speaks_of_it) {
  const auto ledger = lend(context(), plan("eth0=lan1"), borrower());
  const auto leases = [&] { return netlend::list_names(state().devices()).size(); };
  auto watched = context();
  std::vector<std::string> order;
  watched.on_step = [&](std::string_view step) {
    if (is_open(state(), ledger)) BOOST_TEST(leases() == 1U, "at the step " << step);
    if (step == step_name(Step::drop_lease)) BOOST_TEST(!is_open(state(), ledger));
    order.emplace_back(step);
  };
  BOOST_TEST(texts_of(give_back(watched, ledger)) == "");
  BOOST_REQUIRE(!order.empty());
  BOOST_TEST(order.back() == step_name(Step::drop_lease));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(an_address_whose_time_ran_out_while_it_was_away_is_not_missed) {
  sh("ip addr add 10.79.0.1/24 dev lan1 valid_lft 2 preferred_lft 1");
  const auto until_s = snapshot("lan1").addresses.front().valid_until_s;
  BOOST_REQUIRE(until_s.has_value());
  const auto ledger = lend(context(), plan("eth0=lan1"), borrower());
  while (netlend::monotonic_ms() < *until_s * 1000) ::sched_yield();
  BOOST_TEST(texts_of(give_back(context(), ledger)) == "");
  BOOST_TEST(!says(sh("ip addr show dev lan1"), "10.79.0.1"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(what_was_announced_as_lost_is_neither_tried_nor_missed) {
  sh("ip addr add 10.78.0.1/24 dev lan1; ip link set far1 up;"
     "ip route add 192.0.2.128/25 nexthop via 10.78.0.8 dev lan1 nexthop via 10.78.0.9 dev lan1;"
     "tc qdisc add dev lan1 clsact; tc filter add dev lan1 ingress protocol ip handle 1: u32 "
     "divisor 16");
  const auto ledger =
      lend(context(), plan("eth0=lan1"), borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(texts_of(give_back(listening(), ledger)) == "");
  BOOST_REQUIRE(notes.size() == 1U);
  for (const char* part : {"device 'lan1' is home; not restored, as said beforehand: ",
                           "192.0.2.128/25", "filter 'u32 1:"}) {
    BOOST_TEST(says(notes[0], part));
  }
  BOOST_TEST(says(sh("ip addr show dev lan1"), "10.78.0.1/24"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_firewall_that_lets_no_announcement_out_is_told_of_and_keeps_no_loan_open) {
  sh("nft 'add table inet wall; add chain inet wall out { type filter hook output priority 0; "
     "policy drop; }'");
  const auto ledger = lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(texts_of(give_back(listening(), ledger)) == "");
  BOOST_TEST(
      says(joined(notes), "device 'lan0' is home, which its neighbours may learn later: announce"));
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_temporary_address_that_was_announced_as_lost_is_not_missed) {
  sh("ip link set far1 up; echo 2 > /proc/sys/net/ipv6/conf/lan1/use_tempaddr;"
     "ip addr add 2001:db8:78::1/64 dev lan1 nodad mngtmpaddr");
  BOOST_REQUIRE(says(sh("ip -6 addr show dev lan1"), "temporary"));
  const auto error = error_of([&] { lend(context(), plan("eth0=lan1"), borrower()); });
  BOOST_TEST(says(error, "temporary privacy address"));
  lend(context(), plan("eth0=lan1"), borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(give_all_back()) == "");
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_difference_that_was_not_announced_keeps_the_loan_until_it_is_forgotten) {
  const auto ledger = lend(context(), plan("eth0=lan1"), borrower());
  sh("ip link add lan1 type ifb");
  BOOST_TEST(says(joined(give_all_back()),
                  "device 'lan1' is home, but not as it was: 'netlend reap' tries again, 'netlend "
                  "return --forget lan1' leaves it as it is now"));
  const std::string as_it_is = sh("ip -br link show type veth | cut -d@ -f1");
  BOOST_TEST(forget(ledger) == "device 'lan1' is home and stays as it is now");
  BOOST_TEST(sh("ip -br link show type veth | cut -d@ -f1") == as_it_is);
  BOOST_TEST(!says(sh("ip link show type veth"), "altname netlend-"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
