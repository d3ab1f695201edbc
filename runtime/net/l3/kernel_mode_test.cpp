#include <boost/test/tree/decorator.hpp>

#include "net/kernel/l3_namespace.hpp"
#include "net/kernel/site.hpp"
#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"
#include "net/ledger/ledger.hpp"

namespace unit_test = boost::unit_test;
using netlend::AddressRecord;
using netlend::give_address;
using netlend::Loopback;
using netlend::Netns;
using netlend::owner_of;
using netlend::ReapScope;
using netlend::Site;
using netlend::test::ask_listener;
using netlend::test::error_of;
using netlend::test::Lan;
using netlend::test::Listener;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;

namespace {
boost::test_tools::assertion_result is_kernel_mode(unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(Lan::mode() == "kernel");
  result.message() << "needs NETLEND_L3_MODE=kernel and a kernel with patches ('make test-kernel')";
  return result;
}

struct KernelLan : Lan {
  /// What is at home now.
  AddressRecord record(const std::string& address) {
    const auto places = find_address(home.socket, netlend::IpAddress{address});
    BOOST_TEST_REQUIRE(places.size() == 1U);
    return places.front().record;
  }
  void give(const std::string& address, const Netns& owner) {
    const auto up0 = find_link(home.socket, std::string("up0"));
    home.socket.call(give_address(up0->ifindex, record(address), owner.fd(), "give it away"));
  }

  Site home{Netns::current()};
};

/// Whether what `sender` sends is heard, sent again until it is or 5 s have passed.
bool is_heard_by(const Sleeper& receiver, const std::string& listen, const Sleeper& sender,
                 const std::string& send) {
  const auto in = [](const Sleeper& who, const std::string& command) {
    return "nsenter -t " + std::to_string(who.pid()) + " -n " + command;
  };
  return netlend::test::succeeds(
      "rm -f /run/heard; " + in(receiver, "timeout 5 socat -u " + listen + " CREATE:/run/heard") +
      " & heard=$!; while ! grep -qs hello /run/heard; do kill -0 $heard || exit 1; echo hello | " +
      in(sender, "socat -u - " + send) + " || true; done; kill $heard");
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(kernel_mode, KernelLan, *unit_test::precondition(is_kernel_mode))

BOOST_AUTO_TEST_CASE(who_may_make_none_is_told_that_and_not_that_there_are_none) {
  const Netns child = create_l3_namespace(Netns::current(), Loopback::own);
  run_in_netns(child, [] {
    BOOST_TEST(netlend::has_l3_namespaces());
    BOOST_TEST(says(error_of([] { create_l3_namespace(Netns::current(), Loopback::own); }),
                    "Operation not permitted (EPERM)"));
  });
}

BOOST_AUTO_TEST_CASE(devices_and_routes_inside_are_the_parents) {
  sh("ip route add 198.51.100.0/24 via 10.9.0.100; ip link add other0 type dummy");
  lend_to_c1("10.9.0.11 fd09::11");
  const std::string all = "ip -o link show; ip route show; ip -6 route show";
  BOOST_TEST(c1.sh(all) == sh(all));
  BOOST_TEST(says(c1.sh("ip route"), "198.51.100.0/24"));
  sh("ip link del other0; ip route del 198.51.100.0/24");
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(broadcasts_and_multicasts_of_the_lan_reach_every_borrower) {
  lend_to_c1("10.9.0.11 fd09::11");
  lend_to_c2("10.9.0.12");
  for (const auto* borrower : {&c1, &c2}) {
    BOOST_TEST(is_heard_by(*borrower, "UDP-RECV:7001", neighbour,
                           "UDP-DATAGRAM:10.9.0.255:7001,broadcast"));
    const std::string own = borrower == &c1 ? "10.9.0.11" : "10.9.0.12";
    BOOST_TEST(is_heard_by(*borrower, "UDP-RECV:7002,ip-add-membership=239.1.2.3:" + own, neighbour,
                           "UDP-DATAGRAM:239.1.2.3:7002,ip-multicast-if=10.9.0.100"));
  }
}

BOOST_AUTO_TEST_CASE(loopback_is_the_parents_where_it_is_shared) {
  const Sleeper trusted(create_l3_namespace(Netns::current(), Loopback::shared).fd());
  Listener of_home(nullptr, "home");
  lend(context(), plan("10.9.0.11 loopback=shared"), borrower_of(trusted, "trusted"));
  BOOST_TEST(ask_listener(trusted, "127.0.0.1") == "home");
  BOOST_TEST(ask_listener(c1, "127.0.0.1") == "ECONNREFUSED");
}

BOOST_AUTO_TEST_CASE(auto_is_mode_kernel_in_an_l3_namespace_and_others_are_refused) {
  const auto ledger = netlend::load_ledger(state(), lend_to_c1("10.9.0.11 mode=auto"));
  BOOST_TEST(ledger.value().address_loans.front().mode == "kernel");
  for (const std::string mode : {"routed", "netkit", "ipvlan", "macvlan"}) {
    BOOST_TEST(says(error_of([&] { lend_to_c2("10.9.0.12 mode=" + mode); }),
                    "the borrower is in an L3 network namespace, which can't be given a device"),
               mode);
  }
}

BOOST_AUTO_TEST_CASE(who_has_a_network_namespace_of_his_own_is_refused) {
  const Sleeper ordinary;
  BOOST_TEST(
      says(error_of([&] { lend(context(), plan("10.9.0.11"), borrower_of(ordinary, "web")); }),
           "the container has to be in an L3 network namespace before it is lent anything"));
  netlend::test::enter_new_netns();
  const Sleeper of_another(create_l3_namespace(Netns::current(), Loopback::own).fd());
  run_in_netns(home.netns, [&] {
    BOOST_TEST(
        says(error_of([&] { lend(context(), plan("10.9.0.11"), borrower_of(of_another, "web")); }),
             "the container has to be in an L3 network namespace"));
  });
}

BOOST_AUTO_TEST_CASE(what_home_gave_to_others_is_neither_lent_nor_taken_back) {
  const Netns other = create_l3_namespace(Netns::current(), Loopback::own);
  give("10.9.0.11", other);
  BOOST_TEST(says(error_of([&] { lend_to_c1("10.9.0.11"); }),
                  "address '10.9.0.11' is not lent: it is that of an L3 network namespace"));
  lend_to_c1("10.9.0.12");
  give("10.9.0.12", other);
  BOOST_TEST(says(give_all_back(), "somebody gave it to another L3 network namespace"));
  BOOST_TEST(owner_of(record("10.9.0.12")).has_value());
}

BOOST_AUTO_TEST_CASE(what_home_took_away_meanwhile_is_said_and_the_loan_is_closed) {
  lend_to_c1("10.9.0.11");
  sh("ip addr del 10.9.0.11/24 dev up0");
  BOOST_TEST(says(give_all_back(), "'10.9.0.11' is not on 'up0' any more: somebody took it away"));
  BOOST_TEST(give_all_back() == "");
}

BOOST_AUTO_TEST_CASE(at_a_borrowers_death_the_kernel_gives_the_addresses_back) {
  Sleeper borrower = new_borrower();
  lend(context(), plan("10.9.0.11 fd09::11"), borrower_of(borrower, "dying"));
  BOOST_TEST(owner_of(record("10.9.0.11")).has_value());
  borrower.kill();
  while (owner_of(record("10.9.0.11")) || owner_of(record("fd09::11"))) {
  }
  BOOST_TEST(reap(context(), ReapScope::dead).empty());
  check_home_as_it_was();
}

BOOST_AUTO_TEST_SUITE_END()
