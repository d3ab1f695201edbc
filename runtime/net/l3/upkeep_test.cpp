#include <fmt/core.h>

#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"
#include "net/l3/stopped_forwarding.hpp"
#include "net/l3/uplink_watch.hpp"
#include "net/ledger/ledger.hpp"

using netlend::test::Lan;
using netlend::test::reaches;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::succeeds;

namespace {
/// The kernel gives it some time after the carrier, and its route after that.
void wait_for_link_local(const std::string& device) {
  const std::string is_there = fmt::format(
      "ip -6 addr show dev {0} scope link -tentative | grep -q fe80 && "
      "ip -6 route show table local dev {0} | grep -q '^local fe80'",
      device);
  while (!succeeds(is_there)) {
  }
}

/// What home becomes and does while addresses are lent, with whoever watches it and without.
class ChangingHome : public Lan {
 public:
  /// A network behind home that is no network of the LAN's, as engines make for their containers:
  /// `c2` has 10.88.0.2 and fd88::2 there, and the LAN knows the way to it.
  void add_container_network() {
    sh("ip link add vb type veth peer name b0 netns " + std::to_string(c2.pid()));
    sh("echo 0 > /proc/sys/net/ipv6/conf/vb/accept_dad");
    c2.sh("echo 0 > /proc/sys/net/ipv6/conf/b0/accept_dad");
    sh("ip link set vb up; ip addr add 10.88.0.1/16 dev vb; ip addr add fd88::1/64 dev vb nodad");
    c2.sh(
        "ip link set b0 up; ip addr add 10.88.0.2/16 dev b0; ip addr add fd88::2/64 dev b0 nodad;"
        "ip route add default via 10.88.0.1; ip -6 route add default via fd88::1");
    wait_for_link_local("vb");
    neighbour.sh("ip route add 10.88.0.0/16 via 10.9.0.1; ip -6 route add fd88::/64 via fd09::1");
  }
  /// Another network of home's, by another device: `c2` has 10.8.0.100 and fd08::100 there.
  void add_second_lan() {
    sh("ip link add up1 type veth peer name l1 netns " + std::to_string(c2.pid()));
    c2.sh("echo 0 > /proc/sys/net/ipv6/conf/l1/accept_dad");
    sh("ip link set up1 up; ip addr add 10.8.0.1/24 dev up1; ip addr add fd08::1/64 dev up1 nodad");
    c2.sh(
        "ip link set l1 up; ip addr add 10.8.0.100/24 dev l1; ip addr add fd08::100/64 dev l1 "
        "nodad; ip route add default via 10.8.0.1; ip -6 route add default via fd08::1");
    neighbour.sh("ip route add 10.8.0.0/24 via 10.9.0.1; ip -6 route add fd08::/64 via fd09::1");
    wait_for_link_local("up1");
  }
  static void route(bool on) {
    const std::string value = on ? "1" : "0";
    sh("echo " + value + " > /proc/sys/net/ipv4/ip_forward; echo " + value +
       " > /proc/sys/net/ipv6/conf/all/forwarding");
  }
  bool is_router() const {
    const bool by_ipv4 = reaches(c2, "10.9.0.100");
    BOOST_TEST(reaches(c2, "fd09::100") == by_ipv4);
    return by_ipv4;
  }
  static std::string forwarding() {
    return sh(
        "cat /proc/sys/net/ipv4/conf/up0/forwarding /proc/sys/net/ipv6/conf/up0/forwarding | "
        "xargs");
  }
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(changes_at_home, ChangingHome)

BOOST_AUTO_TEST_CASE(a_home_that_became_a_router_stays_one) {
  add_container_network();
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  route(true);
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(forwarding() == "1 1");
  BOOST_TEST(is_router());
}

BOOST_AUTO_TEST_CASE(what_a_killed_borrower_leaves_of_a_home_that_became_a_router_reap_puts_right) {
  Sleeper borrower;
  lend(context(), plan("10.9.0.11 fd09::11"), borrower_of(borrower, "dying"));
  route(true);
  borrower.kill();
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(forwarding() == "1 1");
  add_container_network();
  BOOST_TEST(is_router());
}

BOOST_AUTO_TEST_CASE(a_home_that_becomes_a_router_is_one_while_it_lends) {
  add_container_network();
  const auto first = lend_to_c1("10.9.0.11 fd09::11");
  BOOST_TEST(!is_router());
  route(true);
  keep_up(first);
  BOOST_TEST(is_router());
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(reaches(neighbour, "fd09::11"));

  route(false);
  keep_up(first);
  BOOST_TEST(!is_router());
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(reaches(neighbour, "fd09::11"));

  BOOST_TEST(give_back(context(), first).empty());
  BOOST_TEST(forwarding() == "0 0");
  BOOST_TEST(!is_router());
}

BOOST_AUTO_TEST_CASE(forwarding_that_is_switched_off_is_named_until_it_is_mended) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  const auto stopped = [&] {
    netlend::Site home{netlend::Netns::current()};
    const auto loan = netlend::load_ledger(state(), ledger)->address_loans.front();
    return list_stopped_forwarding(home, loan);
  };
  const std::vector<std::string> none;
  BOOST_TEST(stopped() == none, boost::test_tools::per_element());
  sh("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/ip_forward;"
     "echo 0 > /proc/sys/net/ipv6/conf/up0/forwarding");
  BOOST_TEST(!reaches(neighbour, "10.9.0.11"));
  const auto named = stopped();
  BOOST_TEST(named.size() == 3U);
  // Setting them is enough.
  for (const auto& sysctl : named) sh("sysctl -qw " + sysctl + "=1");
  neighbour.sh("ip neigh del 10.9.0.11 dev l0");
  BOOST_TEST(stopped() == none, boost::test_tools::per_element());
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(reaches(neighbour, "fd09::11"));

  sh("echo 0 > /proc/sys/net/ipv4/conf/up0/forwarding");
  keep_up(ledger);
  BOOST_TEST(stopped() == none, boost::test_tools::per_element());
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(give_back(context(), ledger).empty());
}

BOOST_AUTO_TEST_CASE(of_several_loans_one_that_is_watched_lets_home_be_a_router) {
  add_container_network();
  lend_to_c1("10.9.0.11 fd09::11");
  const auto watched = lend(context(), plan("10.9.0.12 fd09::12 as=web0"), borrower_of(c1, "web"));
  route(true);
  keep_up(watched);
  BOOST_TEST(is_router());
  BOOST_TEST(give_back(context(), watched).empty());
  BOOST_TEST(is_router());
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(is_router());
}

BOOST_AUTO_TEST_CASE(a_router_whose_uplink_hears_others_routers_stays_a_router) {
  add_container_network();
  route(true);
  sh("echo 0 > /proc/sys/net/ipv6/conf/up0/forwarding");
  const std::string before = home_now();
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  BOOST_TEST(is_router());
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(home_now() == before);
}

BOOST_AUTO_TEST_CASE(the_network_stays_when_the_address_that_home_spoke_from_goes) {
  sh("ip addr del 10.9.0.11/24 dev up0; ip addr add 10.9.0.13/24 dev up0;"
     "ip route add 198.51.100.0/24 via 10.9.0.100 src 10.9.0.1");
  const std::string before = home_now();
  const auto ledger = lend_to_c1("10.9.0.1 fd09::1");
  BOOST_TEST(says(sh("ip route show 10.9.0.0/24"), "src 10.9.0.12"));
  sh("ip addr del 10.9.0.12/24 dev up0");
  BOOST_TEST(sh("ip route show 10.9.0.0/24") == "");
  keep_up(ledger);
  BOOST_TEST(says(sh("ip route show 10.9.0.0/24"), "src 10.9.0.13"));
  BOOST_TEST(says(sh("ip route show 198.51.100.0/24"), "src 10.9.0.13"));
  BOOST_TEST(succeeds("ping -c 1 -W 2 10.9.0.100"));
  BOOST_TEST(succeeds("ping -c 1 -W 2 10.9.0.1"));
  BOOST_TEST(reaches(neighbour, "10.9.0.1"));
  BOOST_TEST(reaches(c1, "10.9.0.13"));
  BOOST_TEST(give_back(context(), ledger).empty());
  sh("ip addr add 10.9.0.12/24 brd + dev up0; ip addr del 10.9.0.13/24 dev up0; ip addr add "
     "10.9.0.13/24 dev up0");
  BOOST_TEST(home_now() == before);
}

BOOST_AUTO_TEST_CASE(the_network_comes_back_with_the_loan_when_nobody_watched) {
  sh("ip route add 198.51.100.0/24 via 10.9.0.100 src 10.9.0.1");
  const auto routes = [] { return sh("ip route show dev up0"); };
  const std::string before = routes();
  const auto ledger = lend_to_c1("10.9.0.1");
  sh("ip addr del 10.9.0.11/24 dev up0");
  BOOST_TEST(routes() == "");
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(routes() == before);
  BOOST_TEST(succeeds("ping -c 1 -W 2 10.9.0.100"));
}

BOOST_AUTO_TEST_CASE(a_route_that_home_took_away_stays_away) {
  sh("ip route add 198.51.100.0/24 via 10.9.0.100 src 10.9.0.1;"
     "ip route add 203.0.113.0/24 via 10.9.0.100 src 10.9.0.1");
  const auto ledger = lend_to_c1("10.9.0.1");
  sh("ip route del 198.51.100.0/24; ip route replace 203.0.113.0/24 via 10.9.0.99 src 10.9.0.12");
  keep_up(ledger);
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(sh("ip route show 198.51.100.0/24") == "");
  BOOST_TEST(says(sh("ip route show 203.0.113.0/24"), "via 10.9.0.99 dev up0 src 10.9.0.12"));
}

BOOST_AUTO_TEST_CASE(a_route_that_home_makes_from_a_lent_address_goes_from_its_substitute) {
  const auto ledger = lend_to_c1("fd09::11");
  sh("ip -6 route add default via fd09::100 proto dhcp src fd09::11 metric 100");
  keep_up(ledger);
  BOOST_TEST(says(sh("ip -6 route show default"), "src fd09::1 metric 100"));
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(says(sh("ip -6 route show default"), "src fd09::11 metric 100"));
}

BOOST_AUTO_TEST_CASE(ipv6_speaks_from_another_address_when_the_first_goes) {
  const auto ledger = lend_to_c1("fd09::11");
  sh("ip addr del fd09::1/64 dev up0");
  keep_up(ledger);
  BOOST_TEST(succeeds("ping -c 1 -W 2 fd09::11"));
  BOOST_TEST(reaches(c1, "fd09::12"));
  BOOST_TEST(give_back(context(), ledger).empty());
}

// Its packets to home go by a device of their own, by a way that is entered inside.
BOOST_AUTO_TEST_CASE(a_borrower_that_is_on_the_lan_itself_reaches_home_where_it_speaks_from_now) {
  const auto ledger = lend_to_c1("10.9.0.1 fd09::11 mode=macvlan");
  sh("ip addr del 10.9.0.11/24 dev up0; ip addr del fd09::1/64 dev up0");
  keep_up(ledger);
  for (const std::string address : {"10.9.0.1", "fd09::11"}) {
    BOOST_TEST(succeeds("ping -c 1 -W 2 " + address), address);
  }
  for (const std::string address : {"10.9.0.12", "fd09::12", "10.9.0.100", "fd09::100"}) {
    BOOST_TEST(reaches(c1, address), address);
  }
  BOOST_TEST(give_back(context(), ledger).empty());
}

BOOST_AUTO_TEST_CASE(who_comes_by_another_device_of_homes_reaches_what_is_lent) {
  add_second_lan();
  const std::string before = home_now();
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  for (const std::string address : {"10.9.0.11", "fd09::11", "10.9.0.1", "fd09::1"}) {
    BOOST_TEST(reaches(c2, address), address);
    BOOST_TEST(reaches(neighbour, address), address);
  }
  for (const std::string address : {"10.8.0.100", "fd08::100", "10.9.0.100", "10.8.0.1"}) {
    BOOST_TEST(reaches(c1, address), address);
  }
  // Home is a router for neither of them.
  for (const std::string address : {"10.9.0.100", "fd09::100"}) {
    BOOST_TEST(!reaches(c2, address), address);
  }
  for (const std::string address : {"10.8.0.100", "fd08::100"}) {
    BOOST_TEST(!reaches(neighbour, address), address);
  }
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(home_now() == before);
}

BOOST_AUTO_TEST_CASE(a_device_that_comes_while_addresses_are_lent_leads_to_them) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  add_second_lan();
  BOOST_TEST(!reaches(c2, "10.9.0.11"));
  keep_up(ledger);
  BOOST_TEST(reaches(c2, "10.9.0.11"));
  BOOST_TEST(reaches(c2, "fd09::11"));
  BOOST_TEST(!reaches(c2, "10.9.0.100"));
  sh("ip link set up1 down; ip link set up1 name other1; ip link set other1 up; ip route add "
     "10.8.0.0/24 dev other1 || true");
  keep_up(ledger);
  BOOST_TEST(reaches(c2, "10.9.0.11"));
  BOOST_TEST(!reaches(c2, "10.9.0.100"));
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(sh("cat /proc/sys/net/ipv4/conf/other1/forwarding") == "0");
  sh("ip link del other1");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_strict_reverse_path_filter_keeps_nobody_from_what_is_lent) {
  for (const std::string value : {"1", "2"}) {
    sh("for d in all up0; do echo " + value + " > /proc/sys/net/ipv4/conf/$d/rp_filter; done");
    const std::string before = home_now();
    const auto ledger = lend_to_c1("10.9.0.11");
    BOOST_TEST(reaches(neighbour, "10.9.0.11"), value);
    BOOST_TEST(reaches(c1, "10.9.0.100"), value);
    for (const std::string foreign : {"10.9.0.77", "10.9.0.12"}) {
      const netlend::test::Claim claim{
          .sender = c1, .own = "10.9.0.11", .claimed = foreign, .how = netlend::test::Bind::raw};
      BOOST_TEST(!is_heard(claim, &neighbour, "10.9.0.100"), foreign << " with " << value);
    }
    BOOST_TEST(give_back(context(), ledger).empty());
    BOOST_TEST(home_now() == before);
  }
}

BOOST_AUTO_TEST_CASE(an_address_that_home_took_off_and_put_on_again_is_still_the_borrowers) {
  const auto ledger = lend_to_c1("10.9.0.11");
  sh("ip addr del 10.9.0.11/24 dev up0; ip addr add 10.9.0.11/24 brd + dev up0");
  keep_up(ledger);
  netlend::test::Listener of_c1(&c1, "c1");
  BOOST_TEST(netlend::test::ask_listener(neighbour, "10.9.0.11") == "c1");
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(sh("ip neigh show proxy; ip rule | grep -c 110 || true") == "0");
}

BOOST_AUTO_TEST_CASE(an_address_that_ended_while_lent_is_not_put_back_and_leaves_nothing) {
  sh("ip addr change 10.9.0.11/24 dev up0 valid_lft 2 preferred_lft 2;"
     "ip addr change fd09::11/64 dev up0 valid_lft 2 preferred_lft 2");
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  while (succeeds("ip addr | grep -q -e 10.9.0.11/ -e fd09::11/")) {
  }
  keep_up(ledger);
  BOOST_TEST(give_back(context(), ledger).empty());
  BOOST_TEST(!succeeds("ip addr | grep -e 10.9.0.11/ -e fd09::11/"));
  BOOST_TEST(!succeeds("ip -6 route show table all | grep fd09::11"));
  BOOST_TEST(sh("ip neigh show proxy; ip -6 neigh show proxy; ip link show | grep nl- || true") ==
             "");
}

BOOST_AUTO_TEST_CASE(a_pair_that_is_renamed_gets_its_name_and_its_rules_again) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  netlend::UplinkWatch watch(*netlend::load_ledger(state(), ledger));
  sh("ip link set $(ip -br link | grep -o '^nl-[0-9a-f]*') name renamed0");
  BOOST_TEST(says(sh("ip rule"), "detached"));
  BOOST_TEST(watch.has_changed());
  keep_up(ledger);
  BOOST_TEST(!says(sh("ip rule; ip -6 rule"), "detached"));
  BOOST_TEST(!succeeds("ip link show renamed0"));
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(give_back(context(), ledger).empty());
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(rules_that_somebody_flushed_are_there_again) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  const auto rules = [] { return sh("ip rule | sort -n; ip -6 rule | sort -n"); };
  const std::string lent = rules();
  netlend::UplinkWatch watch(*netlend::load_ledger(state(), ledger));
  sh("ip rule flush; ip rule add lookup main pref 32766; ip rule add lookup default pref 32767;"
     "ip -6 rule flush; ip -6 rule add lookup main pref 32766");
  BOOST_TEST(!reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(watch.has_changed());
  keep_up(ledger);
  BOOST_TEST(rules() == lent);
  for (const std::string address : {"10.9.0.11", "fd09::11", "10.9.0.1", "fd09::1"}) {
    BOOST_TEST(reaches(neighbour, address), address);
  }
  const netlend::test::Claim claim{
      .sender = c1, .own = "fd09::11", .claimed = "fd09::12", .how = netlend::test::Bind::raw};
  BOOST_TEST(!is_heard(claim, &neighbour, "fd09::100"));
  BOOST_TEST(give_back(context(), ledger).empty());
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(neighbours_of_a_pair_that_somebody_flushed_are_there_again) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  netlend::UplinkWatch watch(*netlend::load_ledger(state(), ledger));
  // Others come and go all the time.
  sh("ip neigh add 10.9.0.99 lladdr 02:00:00:00:00:99 dev up0; ip neigh del 10.9.0.99 dev up0");
  BOOST_TEST(!watch.has_changed());
  const std::string neighbours = "dev $(ip -br link | grep -o '^nl-[0-9a-f]*') nud permanent";
  const std::string before = sh("ip neigh show " + neighbours + "; ip -6 neigh show " + neighbours);
  sh("ip neigh flush " + neighbours + "; ip -6 neigh flush " + neighbours);
  BOOST_TEST(sh("ip neigh show " + neighbours + "; ip -6 neigh show " + neighbours) == "");
  BOOST_TEST(watch.has_changed());
  keep_up(ledger);
  BOOST_TEST(sh("ip neigh show " + neighbours + "; ip -6 neigh show " + neighbours) == before);
  BOOST_TEST(reaches(neighbour, "fd09::11"));
  BOOST_TEST(!watch.has_changed());
  BOOST_TEST(give_back(context(), ledger).empty());
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_pair_that_is_renamed_ends_with_its_loan_when_nobody_watched) {
  const auto ledger = lend_to_c1("10.9.0.11 fd09::11");
  sh("ip link set $(ip -br link | grep -o '^nl-[0-9a-f]*') name renamed0");
  BOOST_TEST(give_back(context(), ledger).empty());
  check_home_as_it_was();
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
}

BOOST_AUTO_TEST_CASE(nothing_is_done_where_nothing_has_changed) {
  const auto ledger = lend_to_c1("10.9.0.1 fd09::11");
  const std::string lent = home_now();
  keep_up(ledger);
  BOOST_TEST(home_now() == lent);
  BOOST_TEST(give_back(context(), ledger).empty());
  check_home_as_it_was();
}

BOOST_AUTO_TEST_SUITE_END()
