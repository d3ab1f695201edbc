#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"
#include "net/l3/uplink_watch.hpp"
#include "net/ledger/ledger.hpp"

using netlend::test::Lan;
using netlend::test::output_of;
using netlend::test::reaches;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::succeeds;

namespace {
std::string local_routes() { return sh("ip route show table local dev up0"); }
}  // namespace

// Other addresses of home's than those that are lent, and what home itself does with those.
BOOST_FIXTURE_TEST_SUITE(own_addresses, Lan)

BOOST_AUTO_TEST_CASE(an_address_that_comes_while_the_first_of_its_network_is_lent_is_heard) {
  const auto ledger = lend_to_c1("10.9.0.1");
  sh("ip addr add 10.9.0.13/24 brd + dev up0");
  keep_up(ledger);
  BOOST_TEST(reaches(neighbour, "10.9.0.13"));
  BOOST_TEST(reaches(neighbour, "10.9.0.1"));
  BOOST_TEST(reaches(c1, "10.9.0.13"));
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(says(sh("ip route show table local 10.9.0.13"),
                  "local 10.9.0.13 dev up0 proto kernel scope host src 10.9.0.1"));
  BOOST_TEST(reaches(neighbour, "10.9.0.13"));
  sh("ip addr del 10.9.0.13/24 dev up0");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(an_address_that_came_unwatched_is_heard_after_the_loan) {
  const auto ledger = lend_to_c1("10.9.0.1");
  sh("ip addr add 10.9.0.13/24 brd + dev up0");
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(reaches(neighbour, "10.9.0.13"));
  sh("ip addr del 10.9.0.13/24 dev up0");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(an_address_that_came_and_went_leaves_nothing) {
  const auto ledger = lend_to_c1("10.9.0.1");
  const std::string before = local_routes();
  sh("ip addr add 10.9.0.13/24 brd + dev up0");
  keep_up(ledger);
  BOOST_TEST(local_routes() != before);
  sh("ip addr del 10.9.0.13/24 dev up0");
  keep_up(ledger);
  BOOST_TEST(local_routes() == before);
  BOOST_TEST(give_back(context(), ledger).empty());
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(an_address_that_came_is_heard_until_the_last_loan_of_the_first_one_ends) {
  lend_to_c1("10.9.0.1");
  const auto second = lend_to_c2("10.9.0.11");
  sh("ip addr add 10.9.0.13/24 brd + dev up0");
  keep_up(second);
  BOOST_TEST(give_back(context(), second).empty());
  BOOST_TEST(reaches(neighbour, "10.9.0.13"));
  BOOST_TEST(give_all_back() == "");
  sh("ip addr del 10.9.0.13/24 dev up0");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(home_speaks_from_an_address_that_came_where_no_other_is_left) {
  const auto ledger = lend_to_c1("10.9.0.1");
  sh("ip addr add 10.9.0.13/24 brd + dev up0; ip addr del 10.9.0.11/24 dev up0; ip addr del "
     "10.9.0.12/24 dev up0");
  keep_up(ledger);
  BOOST_TEST(succeeds("ping -c 1 -W 2 10.9.0.100"));
  BOOST_TEST(succeeds("ping -c 1 -W 2 10.9.0.1"));
  BOOST_TEST(give_back(context(), ledger).empty());
}

BOOST_AUTO_TEST_CASE(broadcasts_are_heard_again_when_the_device_was_down) {
  const auto broadcasts = [] { return sh("ip route show table local type broadcast"); };
  const std::string before = broadcasts();
  sh("echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts");
  const auto ledger = lend_to_c1("10.9.0.1");
  sh("ip link set up0 down; ip link set up0 up");
  keep_up(ledger);
  const std::string answers = output_of(neighbour, "ping -b -c 3 -i 0.2 -W 1 10.9.0.255");
  BOOST_TEST(says(answers, "from 10.9.0.11"), answers);
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(broadcasts() == before);
}

BOOST_AUTO_TEST_CASE(a_lent_address_that_becomes_the_first_of_its_network_leaves_it_reachable) {
  const auto delete_first = [] {
    sh("echo 1 > /proc/sys/net/ipv4/conf/up0/promote_secondaries; ip addr del 10.9.0.1/24 dev up0");
  };
  const auto routes = [] { return sh("ip route show table all dev up0 | sort"); };
  delete_first();
  const std::string without_a_loan = routes();
  sh("ip -4 addr flush dev up0; ip addr add 10.9.0.1/24 brd + dev up0; ip addr add 10.9.0.11/24 "
     "brd + dev up0; ip addr add 10.9.0.12/24 brd + dev up0");
  const auto ledger = lend_to_c1("10.9.0.11");
  delete_first();
  keep_up(ledger);
  BOOST_TEST(reaches(neighbour, "10.9.0.12"));
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(succeeds("ping -c 1 -W 2 10.9.0.100"));
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(routes() == without_a_loan);
}

BOOST_AUTO_TEST_CASE(equal_routes_through_other_devices_stay_as_and_where_they_are) {
  sh("ip link add up1 type veth peer name l1 netns " + std::to_string(c2.pid()) +
     "; ip link set up1 up; ip addr add 10.9.0.30/24 dev up1; ip addr add 10.9.0.31/24 dev up1;"
     "ip link add up2 type veth peer name l2 netns " +
     std::to_string(c2.pid()) + "; ip link set up2 up; ip addr add 10.9.0.40/24 dev up2");
  const auto networks = [] { return sh("ip route show 10.9.0.0/24 | sed 's/ linkdown//'"); };
  const std::string of_up2 = "10.9.0.0/24 dev up2 proto kernel scope link src 10.9.0.40";
  const auto second = lend_to_c1("10.9.0.30");
  BOOST_TEST(says(networks(), "10.9.0.0/24 dev up0 proto kernel scope link src 10.9.0.1 "));
  BOOST_TEST(says(networks(), "10.9.0.0/24 dev up1 proto kernel scope link src 10.9.0.31 "));
  BOOST_TEST(says(networks(), of_up2));
  BOOST_TEST(give_back(context(), second).empty());
  BOOST_TEST(says(networks(), "dev up0 proto kernel scope link src 10.9.0.1 "));
  BOOST_TEST(says(networks(), "dev up1 proto kernel scope link src 10.9.0.30 "));
  BOOST_TEST(says(networks(), of_up2));
  sh("ip link del up2");
  const std::string of_two = networks();

  const auto first = lend_to_c1("10.9.0.1 10.9.0.30");
  BOOST_TEST(says(networks(),
                  "src 10.9.0.11 \n10.9.0.0/24 dev up1 proto kernel scope link src "
                  "10.9.0.31"));
  BOOST_TEST(give_back(context(), first).empty());
  BOOST_TEST(networks() == of_two);
  sh("ip link del up1");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(an_ipv6_address_that_somebody_puts_on_again_is_taken_off_again) {
  const auto ledger = lend_to_c1("fd09::11");
  sh("ip addr add fd09::11/64 dev up0 nodad valid_lft 3000 preferred_lft 2000");
  keep_up(ledger);
  BOOST_TEST(sh("ip -6 addr show dev up0 | grep fd09::11/ || true") == "");
  BOOST_TEST(reaches(c1, "fd09::100"));
  neighbour.sh("ip -6 neigh flush all");
  BOOST_TEST(reaches(neighbour, "fd09::11"));
  BOOST_TEST(give_back(context(), ledger).empty());
  // What it was given meanwhile stands.
  BOOST_TEST(says(sh("ip -6 addr show dev up0 | grep fd09::11/"), "dynamic"));
  sh("ip addr change fd09::11/64 dev up0");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(an_address_that_ends_at_home_ends_for_its_borrower) {
  sh("ip addr change 10.9.0.11/24 dev up0 valid_lft 2 preferred_lft 2;"
     "ip addr add fd09::21/64 dev up0 nodad valid_lft 2 preferred_lft 2");
  const auto ledger = lend_to_c1("10.9.0.11 fd09::21 10.9.0.12");
  while (succeeds("ip addr | grep -q -e 10.9.0.11/ -e fd09::21/")) {
  }
  netlend::UplinkWatch watch(*netlend::load_ledger(state(), ledger));
  keep_up(ledger);
  BOOST_TEST(watch.has_changed());
  // That was its own doing, and moves it to no more.
  keep_up(ledger);
  BOOST_TEST(!watch.has_changed());
  BOOST_TEST(c1.sh("ip -o addr show dev eth0 | grep -o -e inet.*/ || true") == "inet 10.9.0.12/");
  // Another host may have them now.
  neighbour.sh("ip addr add 10.9.0.11/32 dev l0; ip addr add fd09::21/128 dev l0 nodad");
  BOOST_TEST(succeeds("ping -c 1 -W 2 10.9.0.11"));
  BOOST_TEST(succeeds("ping -c 1 -W 2 fd09::21"));
  BOOST_TEST(reaches(neighbour, "10.9.0.12"));
  keep_up(ledger);
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(sh("ip neigh show proxy; ip -6 neigh show proxy; ip rule | grep -c 110 || true") ==
             "0");
}

BOOST_AUTO_TEST_SUITE_END()
