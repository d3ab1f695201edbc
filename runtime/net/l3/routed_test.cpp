#include <sys/wait.h>

#include "base/syscall.hpp"
#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"
#include "net/ledger/ledger.hpp"

using netlend::ReapScope;
using netlend::test::ask_listener;
using netlend::test::Bind;
using netlend::test::bind_error;
using netlend::test::Claim;
using netlend::test::Echo;
using netlend::test::is_heard;
using netlend::test::Lan;
using netlend::test::Listener;
using netlend::test::reaches;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::succeeds;

BOOST_FIXTURE_TEST_SUITE(lent_addresses, Lan)

BOOST_AUTO_TEST_CASE(lent_addresses_are_inside_and_nothing_else_is) {
  lend_to_c1("10.9.0.11 fd09::11");
  const std::string inside = c1.sh("ip -o addr show");
  const std::string device = device_inside();
  const bool is_on_lan = mode() == "macvlan" || mode() == "kernel";
  const std::string length = is_on_lan ? "/24" : "/32";
  BOOST_TEST(says(inside, "inet 10.9.0.11" + length + " brd 10.9.0.255 scope global " + device),
             inside);
  BOOST_TEST(says(inside,
                  is_on_lan ? "inet6 fd09::11/64 scope global" : "inet6 fd09::11/128 scope global"),
             inside);
  BOOST_TEST(c1.sh("ip -o addr show " + device + " | wc -l") == "2");
  // By what stands on home's device nothing reaches home: for that there is a pair, too.
  const bool has_pair_besides = mode() == "macvlan" || mode() == "ipvlan";
  const std::string links = mode() == "kernel" ? sh("ip -o link show | wc -l")
                            : has_pair_besides ? "3"
                                               : "2";
  BOOST_TEST(c1.sh("ip -o link show | wc -l") == links);
  BOOST_TEST(c1.sh("ip -o addr show scope global | wc -l") == "2");
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(no_echo_is_lost_when_addresses_are_lent_and_come_home) {
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    Echo echo(neighbour, address);
    echo.wait_for_answers(200);
    lend_to_c1(address);
    echo.wait_for_answers(1000);
    BOOST_TEST(give_all_back() == "");
    echo.wait_for_answers(200);
    const auto result = echo.finish();
    BOOST_TEST_MESSAGE(address << ": " << result.lost << " of " << result.sent << " lost, at most "
                               << result.longest_silence_ms << " ms of silence");
    // Another link address is to be learnt by neighbours; a device of its own begins to receive.
    const bool has_nothing_to_learn = mode() != "ipvlan" && mode() != "macvlan";
    if (has_nothing_to_learn) BOOST_TEST(result.lost == 0, address);
    BOOST_TEST(result.longest_silence_ms < 500.0, address);
    check_home_as_it_was();
  }
}

BOOST_AUTO_TEST_CASE(after_the_borrowers_death_the_host_answers_with_nobodys_help) {
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    Sleeper borrower = new_borrower();
    lend(context(), plan(address), borrower_of(borrower, "dying"));
    Echo echo(neighbour, address);
    echo.wait_for_answers(200);
    borrower.kill();
    echo.wait_for_answers(200);
    const auto result = echo.finish();
    BOOST_TEST(result.longest_silence_ms < 100.0, address);
    BOOST_TEST_MESSAGE(address << ": " << result.longest_silence_ms << " ms of silence, "
                               << result.lost << " of " << result.sent << " lost");
    // The route goes when the pair is set down, the pair itself a moment later.
    while (succeeds("ip link show | grep nl-")) {
    }
    BOOST_TEST(reap(context(), ReapScope::dead).empty());
    check_home_as_it_was();
  }
}

BOOST_AUTO_TEST_CASE(everybody_reaches_everybody) {
  lend_to_c1("10.9.0.11 fd09::11");
  lend_to_c2("10.9.0.12 fd09::12");
  for (const std::string address :
       {"10.9.0.100", "10.9.0.1", "10.9.0.12", "fd09::100", "fd09::1", "fd09::12"}) {
    BOOST_TEST(reaches(c1, address), address);
  }
  for (const std::string address : {"10.9.0.11", "10.9.0.12", "fd09::11", "fd09::12"}) {
    BOOST_TEST(reaches(neighbour, address), address);
    BOOST_TEST(succeeds("ping -c 1 -W 2 " + address), address);
  }
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(several_listen_on_any_address_and_each_is_reached_by_its_own) {
  lend_to_c1("10.9.0.11 fd09::11");
  lend_to_c2("10.9.0.12 fd09::12");
  Listener of_c1(&c1, "c1");
  Listener of_c2(&c2, "c2");
  Listener of_home(nullptr, "home");
  const auto ask = [&](const std::string& address) { return ask_listener(neighbour, address); };
  BOOST_TEST(ask("10.9.0.11") == "c1");
  BOOST_TEST(ask("10.9.0.12") == "c2");
  BOOST_TEST(ask("10.9.0.1") == "home");
  BOOST_TEST(ask("fd09::11") == "c1");
  BOOST_TEST(ask("fd09::12") == "c2");
  BOOST_TEST(ask("fd09::1") == "home");
}

BOOST_AUTO_TEST_CASE(addresses_of_others_cannot_be_bound_inside) {
  lend_to_c1("10.9.0.11 fd09::11");
  for (const std::string other : {"10.9.0.12", "10.9.0.1", "10.9.0.100", "fd09::12", "fd09::1"}) {
    BOOST_TEST(bind_error(&c1, other, Bind::plain) == EADDRNOTAVAIL, other);
  }
  for (const std::string own : {"10.9.0.11", "10.9.0.255", "127.0.0.1", "fd09::11", "::1"}) {
    BOOST_TEST(bind_error(&c1, own, Bind::plain) == 0, own);
  }
  // Nor does the host use it any more; a parked one can still be bound there, as the manual says.
  BOOST_TEST(bind_error(nullptr, "10.9.0.11", Bind::plain) == EADDRNOTAVAIL);
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_from_a_foreign_address_whatever_the_borrower_tries) {
  lend_to_c1("10.9.0.11 fd09::11");
  lend_to_c2("10.9.0.12 fd09::12");
  const auto check = [&](const std::string& own, const std::string& foreign,
                         const std::string& sibling, const std::string& lan,
                         const std::string& home) {
    for (const auto how : {Bind::free, Bind::transparent, Bind::raw}) {
      const Claim claim{.sender = c1, .own = own, .claimed = foreign, .how = how};
      BOOST_TEST(!is_heard(claim, &neighbour, lan), foreign << " on the LAN");
      BOOST_TEST(!is_heard(claim, nullptr, home), foreign << " at home");
      BOOST_TEST(!is_heard(claim, &c2, sibling), foreign << " at another borrower's");
    }
    BOOST_TEST(
        is_heard({.sender = c1, .own = own, .claimed = own, .how = Bind::plain}, &neighbour, lan));
  };
  for (const std::string foreign : {"10.9.0.77", "10.9.0.12", "192.0.2.1"}) {
    check("10.9.0.11", foreign, "10.9.0.12", "10.9.0.100", "10.9.0.1");
  }
  for (const std::string foreign : {"fd09::77", "fd09::12", "2001:db8::1", "fe80::7"}) {
    check("fd09::11", foreign, "fd09::12", "fd09::100", "fd09::1");
  }
}

// Else whoever is named hears of it, from an address of home's or from the one that is lent.
BOOST_AUTO_TEST_CASE(home_says_nothing_to_the_foreign_address_that_a_borrower_claims) {
  const auto errors_sent = [] {
    return sh(
        "awk '/^Icmp:/ { if (n) print $n; else for (i = 1; i <= NF; i++) "
        "if ($i == \"OutDestUnreachs\") n = i }' /proc/net/snmp;"
        "awk '/^Icmp6OutDestUnreachs/ { print $2 }' /proc/net/snmp6");
  };
  sh("ip route add default via 10.9.0.100; ip -6 route add default via fd09::100");
  lend_to_c1("10.9.0.11 fd09::11");
  const std::string before = errors_sent();
  for (const auto how : {Bind::free, Bind::raw}) {
    for (const std::string foreign : {"10.9.0.77", "10.9.0.255", "192.0.2.1"}) {
      const Claim claim{.sender = c1, .own = "10.9.0.11", .claimed = foreign, .how = how};
      BOOST_TEST(!is_heard(claim, &neighbour, "10.9.0.100"), foreign);
    }
    for (const std::string foreign : {"fd09::77", "2001:db8::1"}) {
      const Claim claim{.sender = c1, .own = "fd09::11", .claimed = foreign, .how = how};
      BOOST_TEST(!is_heard(claim, &neighbour, "fd09::100"), foreign);
    }
  }
  BOOST_TEST(errors_sent() == before);
}

BOOST_AUTO_TEST_CASE(loopback_is_ones_own) {
  lend_to_c1("10.9.0.11");
  Listener of_home(nullptr, "home");
  BOOST_TEST(ask_listener(c1, "127.0.0.1") == "ECONNREFUSED");
  Listener of_c1(&c1, "c1");
  BOOST_TEST(ask_listener(c1, "127.0.0.1") == "c1");
}

BOOST_AUTO_TEST_SUITE_END()
