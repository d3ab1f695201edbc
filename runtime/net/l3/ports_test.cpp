#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"

using netlend::ReapScope;
using netlend::test::ask_listener;
using netlend::test::error_of;
using netlend::test::is_killed_at;
using netlend::test::Lan;
using netlend::test::Listener;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;

BOOST_FIXTURE_TEST_SUITE(ports, Lan)

BOOST_AUTO_TEST_CASE(two_borrowers_and_the_host_have_their_own_of_one_address) {
  lend_to_c1("10.9.0.11 fd09::11 ports=80");
  lend_to_c2("10.9.0.11 fd09::11 ports=81 ports=8000-8010");
  const Listener of_c1(&c1, "c1");
  const Listener of_c2(&c2, "c2", 81);
  const Listener also_of_c2(&c2, "c2 too", 8005);
  const Listener of_home(nullptr, "home", 22);
  const Listener unreached(nullptr, "home's 80", 80);
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    BOOST_TEST(ask_listener(neighbour, address) == "c1", address);
    BOOST_TEST(ask_listener(neighbour, address, 81) == "c2", address);
    BOOST_TEST(ask_listener(neighbour, address, 8005) == "c2 too", address);
    BOOST_TEST(ask_listener(neighbour, address, 22) == "home", address);
  }
  for (const std::string address : {"10.9.0.1", "fd09::1"}) {
    BOOST_TEST(ask_listener(neighbour, address) == "home's 80", address);
  }
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(ask_listener(neighbour, "10.9.0.11") == "home's 80");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(each_connects_out_from_the_address_by_ports_of_its_own) {
  lend_to_c1("10.9.0.11 fd09::11 ports=80");
  lend_to_c2("10.9.0.11 fd09::11 ports=81");
  const Listener of_neighbour(&neighbour, "neighbour");
  for (const std::string address : {"10.9.0.100", "fd09::100"}) {
    BOOST_TEST(ask_listener(c1, address) == "neighbour", address);
    BOOST_TEST(ask_listener(c2, address) == "neighbour", address);
  }
  const std::string range = "cat /proc/sys/net/ipv4/ip_local_port_range";
  BOOST_TEST(c1.sh(range) != c2.sh(range));
  BOOST_TEST(c1.sh(range) != sh(range));
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_from_ports_of_others) {
  lend_to_c1("10.9.0.11 ports=80");
  neighbour.sh(
      "nft add table ip t; nft add chain ip t in \"{ type filter hook input priority 0; }\";"
      "nft add rule ip t in ip saddr 10.9.0.11 udp sport 53 counter;"
      "nft add rule ip t in ip saddr 10.9.0.11 udp sport 80 counter");
  c1.sh(
      "echo x | socat - UDP:10.9.0.100:9,bind=10.9.0.11:53 || true;"
      "echo x | socat - UDP:10.9.0.100:9,bind=10.9.0.11:80 || true");
  const std::string counters = neighbour.sh("nft list table ip t");
  BOOST_TEST(says(counters, "sport 53 counter packets 0"), counters);
  BOOST_TEST(says(counters, "sport 80 counter packets 1"), counters);
}

BOOST_AUTO_TEST_CASE(a_port_is_lent_once_and_an_address_whole_or_by_ports) {
  lend_to_c1("10.9.0.11 ports=80 ports=443");
  for (const std::string spec : {"10.9.0.11", "10.9.0.11 ports=70-90", "10.9.0.11 ports=10240"}) {
    const auto refusal = error_of([&] { lend_to_c2(spec); });
    BOOST_TEST(says(refusal, "lent to 'c1'"), spec << ": " << refusal);
  }
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(the_only_address_of_a_host_can_be_lent_by_ports) {
  sh("ip addr del 10.9.0.11/24 dev up0; ip addr del 10.9.0.12/24 dev up0");
  const std::string before = home_now();
  lend_to_c1("10.9.0.1 ports=80");
  const Listener of_c1(&c1, "c1");
  const Listener of_home(nullptr, "home", 22);
  BOOST_TEST(ask_listener(neighbour, "10.9.0.1") == "c1");
  BOOST_TEST(ask_listener(neighbour, "10.9.0.1", 22) == "home");
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(home_now() == before);
}

BOOST_AUTO_TEST_CASE(whole_addresses_and_ports_of_others_end_in_any_order) {
  for (const bool whole_ends_first : {true, false}) {
    const auto whole = lend_to_c1("10.9.0.11 fd09::11");
    const auto part = lend_to_c2("10.9.0.12 fd09::12 ports=80");
    const Listener of_c1(&c1, "c1");
    const Listener of_c2(&c2, "c2");
    const auto& first = whole_ends_first ? whole : part;
    const std::string left = whole_ends_first ? "12" : "11";
    for (const std::string network : {"10.9.0.", "fd09::"}) {
      BOOST_TEST(ask_listener(neighbour, network + "11") == "c1");
      BOOST_TEST(ask_listener(neighbour, network + "12") == "c2");
    }
    BOOST_TEST(give_back(context(), first).empty());
    for (const std::string network : {"10.9.0.", "fd09::"}) {
      BOOST_TEST(ask_listener(neighbour, network + left) == (whole_ends_first ? "c2" : "c1"));
    }
    BOOST_TEST(give_back(context(), whole_ends_first ? part : whole).empty());
    check_home_as_it_was();
  }
}

BOOST_AUTO_TEST_CASE(after_the_borrowers_death_the_ports_are_the_hosts) {
  Sleeper borrower = new_borrower();
  lend(context(), plan("10.9.0.11 fd09::11 ports=80"), borrower_of(borrower, "dying"));
  const Listener of_home(nullptr, "home");
  borrower.kill();
  for (const std::string address : {"10.9.0.11", "fd09::11"}) {
    while (ask_listener(neighbour, address) != "home") {
    }
  }
  BOOST_TEST(reap(context(), ReapScope::dead).empty());
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(whoever_is_killed_while_lending_ports_leaves_nothing_that_reap_does_not_undo) {
  int number = 0;
  for (bool is_killed = true; is_killed; ++number) {
    is_killed = is_killed_at(number, [&](auto on_step) {
      lend({.state = state(), .on_step = on_step}, plan("10.9.0.11 fd09::11 ports=80"),
           borrower_of(c1, "c1"));
    });
    BOOST_TEST(give_all_back() == "");
    check_home_as_it_was();
  }
  BOOST_TEST(number > 30);
}

BOOST_AUTO_TEST_SUITE_END()
