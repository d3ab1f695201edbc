#include <fmt/core.h>

#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"

using netlend::test::ask_listener;
using netlend::test::Lan;
using netlend::test::Listener;
using netlend::test::reaches;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::succeeds;
using netlend::test::texts_of;

namespace {
/// What home has of netlend's.
std::string traces() {
  return sh(
      "ip rule | grep 'proto 110' || true; ip -6 rule | grep 'proto 110' || true;"
      "ip neigh show proxy; ip -6 neigh show proxy; ip -br link | grep nl- || true;"
      "ip addr show dev lo | grep fd09 || true; ip route show table all proto 110");
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(uplinks, Lan)

BOOST_AUTO_TEST_CASE(what_was_lent_by_a_device_that_is_gone_is_closed_and_leaves_nothing) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  sh("ip link del up0");
  keep_up(ledger);
  const std::string said = texts_of(give_back(context(), ledger));
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    BOOST_TEST(says(said, "address '" + address + "' has no device to come home to: 'up0' is gone"),
               said);
  }
  BOOST_TEST(traces() == "");
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(ipv6_that_is_switched_off_ends_the_loan_in_one_line_that_says_what_to_do) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  sh("echo 1 > /proc/sys/net/ipv6/conf/up0/disable_ipv6");
  const auto failures = give_back(context(), ledger);
  BOOST_REQUIRE(failures.size() == 1U);
  BOOST_TEST(failures.front().what ==
             "address 'fd09::11' can't come home: IPv6 is switched off on 'up0' (sysctl -w "
             "net.ipv6.conf.up0.disable_ipv6=0 switches it on); its loan is closed, and 'ip addr "
             "add fd09::11/64 dev up0' puts it on again");
  BOOST_TEST(traces() == "");
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_device_with_a_new_mac_leads_to_what_is_lent_and_keeps_it) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  for (const std::string address : {"10.9.0.11", "fd09::11"})
    BOOST_TEST(reaches(neighbour, address));
  sh("ip link set up0 address 02:00:00:00:09:01");
  keep_up(ledger);
  // As for home's own addresses, neighbours have to ask again.
  neighbour.sh("ip neigh flush all; ip -6 neigh flush all");
  Listener of_c1(&c1, "c1");
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    BOOST_TEST(ask_listener(neighbour, address) == "c1", address);
  }
  BOOST_TEST(give_back(context(), ledger).empty());
  for (const std::string address : {"10.9.0.11", "fd09::11", "10.9.0.1", "fd09::1"}) {
    BOOST_TEST(reaches(neighbour, address), address);
  }
  BOOST_TEST(says(sh("ip -br link show up0"), "02:00:00:00:09:01"));
  BOOST_TEST(traces() == "");
}

BOOST_AUTO_TEST_CASE(a_neighbour_that_asks_nobody_reaches_whoever_has_the_address) {
  const std::string mac = sh("ip -br link show up0 | grep -o '[0-9a-f:]\\{17\\}'");
  // It takes these for true until something else is said to it.
  const auto remember = [&] {
    for (const std::string address : {"10.9.0.11", "fd09::11"}) {
      neighbour.sh(fmt::format("ip neigh replace {} lladdr {} dev l0 nud permanent", address, mac));
    }
  };
  remember();
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11 mode=routed");
  Listener of_c1(&c1, "c1");
  Listener of_home(nullptr, "home");
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    BOOST_TEST(ask_listener(neighbour, address) == "c1", address);
  }
  BOOST_TEST(give_back(context(), ledger).empty());
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    BOOST_TEST(ask_listener(neighbour, address) == "home", address);
  }
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(an_ended_address_of_a_borrower_on_the_lan_is_announced_by_nobody) {
  sh("ip addr add fd09::21/64 dev up0 nodad valid_lft 2 preferred_lft 2");
  const auto ledger = lend_to_c1("fd09::21 mode=macvlan");
  while (succeeds("ip addr | grep -q fd09::21/")) {
  }
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(traces() == "");
}

BOOST_AUTO_TEST_SUITE_END()
