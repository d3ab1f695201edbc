// What hangs between two devices of home that are both away, by two loans or by one.
#include <fmt/core.h>

#include "net/lending_fixture.hpp"

using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::observe;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::texts_of;

namespace {
/// Beside lan0 a "lan1", and a second borrower.
class TwoDevices : public Lab {
 public:
  TwoDevices() {
    sh("ip link add lan1 type veth peer name peer1 netns " + std::to_string(neighbour.pid()) +
       "; ip addr add 10.88.0.1/24 dev lan1; ip addr add 2001:db8:88::1/64 dev lan1 nodad; "
       "ip link set lan1 up");
    neighbour.sh("ip link set peer1 up");
  }

  std::string lend_lan0() { return lend(context(), plan("eth0=lan0"), borrower("db1")); }
  std::string lend_lan1() {
    return lend(context(), plan("eth1=lan1"), borrower_of(other_container, "db2"));
  }
  std::string return_one(const std::string& ledger) {
    notes.clear();
    return texts_of(give_back(listening(), ledger));
  }
  /// All that the two have, and what hangs between them.
  static std::string both() {
    netlend::test::wait_for_dad();
    // Made anew, an action has another number.
    const std::string filters =
        "tc filter show dev lan0 ingress | grep mirred || true;"
        "tc filter show dev lan1 ingress | grep mirred || true";
    return observe("lan0") + observe("lan1") + sh(filters);
  }

  /// What makes a wire of the two.
  static void join_both() {
    for (const auto& [from, to] : {std::pair{"lan0", "lan1"}, std::pair{"lan1", "lan0"}}) {
      sh(fmt::format(
          "tc qdisc add dev {0} ingress; tc filter add dev {0} parent ffff: protocol all "
          "pref 3 u32 match u32 0 0 action mirred egress redirect dev {1}",
          from, to));
    }
  }
  static std::string routes(const std::string& what) {
    return sh("ip -o route show " + what + " | cut -d' ' -f1-4");
  }

  Sleeper other_container;
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(several_loans, TwoDevices)

BOOST_AUTO_TEST_CASE(a_route_that_came_home_with_another_device_stays) {
  sh("ip route add 198.18.0.0/16 via 10.88.0.9 src 10.77.0.1;"
     "ip route add 2001:db8:7::/64 via 2001:db8:88::9 src 2001:db8:77::1");
  const std::string before = both();
  const std::string lan0 = lend_lan0();
  const std::string lan1 = lend_lan1();
  BOOST_TEST(return_one(lan1) != "");  // The source of the IPv6 route is away.
  BOOST_TEST(return_one(lan0) == "");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(both() == before);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_route_of_a_device_that_is_away_waits_for_that) {
  sh("ip route add 198.18.0.0/16 via 10.88.0.9 src 10.77.0.1");
  const std::string before = both();
  const std::string lan0 = lend_lan0();
  const std::string lan1 = lend_lan1();
  BOOST_TEST(says(return_one(lan0), "route 198.18.0.0/16 via 10.88.0.9 src 10.77.0.1"));
  BOOST_TEST(return_one(lan1) == "");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(both() == before);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_route_of_a_device_that_was_deleted_is_noted_and_the_loan_closed) {
  const std::string route = "198.18.0.0/16 via 10.99.0.9 src 10.77.0.1";
  for (const bool is_away : {false, true}) {
    sh("ip link add other0 type veth peer name other1; ip link set other1 up;"
       "ip addr add 10.99.0.1/24 dev other0; ip link set other0 up; ip route add " +
       route);
    netlend::Plan wanted = plan("eth0=lan0");
    if (is_away) wanted.nics.push_back(plan("eth1=other0").nics.front());
    const std::string ledger = lend(context(), wanted, borrower("db1"));
    sh("ip link del other1");
    const std::string said = return_one(ledger);
    BOOST_TEST(says(said, "its loan is closed") == is_away, said);
    BOOST_TEST(says(joined(notes), "not made again: route " + route), joined(notes));
    BOOST_TEST(says(joined(notes), "which was deleted"), joined(notes));
    check_state_is_empty();
  }
}

BOOST_AUTO_TEST_CASE(filters_of_two_that_redirect_to_each_other_come_back_with_the_second) {
  for (const bool first_comes_first : {true, false}) {
    join_both();
    const std::string before = both();
    const std::string lan0 = lend_lan0();
    const std::string lan1 = lend_lan1();
    // Its own filter has nowhere to send to as yet.
    BOOST_TEST(says(return_one(first_comes_first ? lan0 : lan1), "No such device"));
    BOOST_TEST(return_one(first_comes_first ? lan1 : lan0) == "");
    BOOST_TEST(reap(listening(), netlend::ReapScope::dead).empty());
    BOOST_TEST(joined(notes) == "");
    BOOST_TEST(both() == before);
    check_state_is_empty();
    sh("tc qdisc del dev lan0 ingress; tc qdisc del dev lan1 ingress");
  }
}

BOOST_AUTO_TEST_CASE(filters_that_redirect_to_each_other_come_back_by_one_reap) {
  join_both();
  const std::string before = both();
  lend_lan0();
  lend_lan1();
  container.kill();
  other_container.kill();
  BOOST_TEST(reap(listening(), netlend::ReapScope::dead).empty());
  BOOST_TEST(joined(notes) == "");
  BOOST_TEST(both() == before);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(filters_that_redirect_to_each_other_come_back_from_one_borrower) {
  join_both();
  const std::string before = both();
  netlend::Plan two = plan("eth0=lan0");
  two.nics.push_back(plan("eth1=lan1").nics.front());
  BOOST_TEST(return_one(lend(context(), two, borrower())) == "");
  BOOST_TEST(both() == before);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_filter_that_sends_to_what_is_gone_is_lost_only_by_force) {
  sh("ip link add gone0 type veth peer name gone1; tc qdisc add dev lan0 clsact;"
     "tc filter add dev lan0 ingress u32 match u32 0 0 action mirred egress mirror dev gone0;"
     "ip link del gone0");
  const std::string lost = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).lost);
  BOOST_TEST(says(lost, "it sends to a device that is gone, or away at the moment"), lost);
  BOOST_TEST(says(error_of([&] { lend_lan0(); }), lost));
  BOOST_TEST(return_one(lend(context(), plan("eth0=lan0"), borrower(),
                             {.force = netlend::Force::yes})) == "");
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(equal_routes_of_two_stand_in_their_order_whichever_comes_first) {
  sh("ip route add 198.18.0.0/16 via 10.77.0.9 dev lan0;"
     "ip route append 198.18.0.0/16 via 10.88.0.9 dev lan1");
  const std::string before = routes("198.18.0.0/16");
  for (const bool is_lan0_lent_first : {true, false}) {
    for (const bool is_lan0_home_first : {true, false}) {
      std::string lan0;
      if (is_lan0_lent_first) lan0 = lend_lan0();
      const std::string lan1 = lend_lan1();
      if (!is_lan0_lent_first) lan0 = lend_lan0();
      BOOST_TEST(return_one(is_lan0_home_first ? lan0 : lan1) == "");
      BOOST_TEST(return_one(is_lan0_home_first ? lan1 : lan0) == "");
      BOOST_TEST(routes("198.18.0.0/16") == before);
      check_state_is_empty();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_place_between_one_that_is_away_and_another_is_lost_only_by_force) {
  sh("ip link add lan2 type veth peer name end2; ip link set end2 up; ip link set lan2 up;"
     "ip route add 198.18.0.0/16 via 10.77.0.9 dev lan0;"
     "ip route append 198.18.0.0/16 via 10.88.0.9 dev lan1;"
     "ip route append 198.18.0.0/16 dev lan2");
  lend_lan0();
  const std::string lost = joined(preview(context(), plan("eth1=lan1"), nullptr).at(0).lost);
  BOOST_TEST(says(lost, "it stands between equal routes of other devices"), lost);
  BOOST_TEST(says(error_of([&] { lend_lan1(); }), lost));
  BOOST_TEST(joined(give_all_back()) == "");
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
