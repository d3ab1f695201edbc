// Of equal routes through several devices the kernel takes the first: which that is must be the
// same after a loan.
#include "net/lending_fixture.hpp"
#include "net/snapshot/comparison.hpp"

using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::says;
using netlend::test::sh;

namespace {
struct Rivals : Lab {
  Rivals() {
    sh("for i in 1 2; do ip link add other$i type veth peer name end$i; ip link set end$i up; "
       "ip link set other$i up; done");
  }
  /// Lends lan0 and gives it back: then the routes are what they were.
  void check_routes_come_back() {
    const std::string before = routes();
    lend(context(), plan("eth0=lan0"), borrower());
    BOOST_TEST(routes() != before);
    BOOST_TEST(joined(give_all_back()) == "");
    BOOST_TEST(routes() == before);
    check_state_is_empty();
  }
  static std::string routes() {
    return sh(
        "ip -4 route show table all type unicast; ip -6 route show | grep ^2001;"
        "ip route get 10.77.0.200 2>&1 || true");
  }
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(route_order, Rivals)

BOOST_AUTO_TEST_CASE(a_network_that_two_devices_share_is_reached_through_the_same_again) {
  sh("ip addr add 10.77.0.201/24 dev other1; ip addr add 10.77.0.202/24 dev other2");
  BOOST_TEST(says(sh("ip route get 10.77.0.200"), "dev lan0"));
  check_routes_come_back();
}

BOOST_AUTO_TEST_CASE(an_ipv6_route_of_several_next_hops_has_those_of_the_device_again) {
  sh("for i in 1 2; do ip addr add 2001:db8:$i::1/64 dev other$i nodad; done;"
     "ip route add 2001:db8:9::/64 nexthop via 2001:db8:1::9 dev other1 nexthop via 2001:db8:2::9 "
     "dev other2 nexthop via 2001:db8:77::8 dev lan0 nexthop via 2001:db8:77::9 dev lan0;"
     "ip route add 2001:db8:8::/64 nexthop via 2001:db8:77::8 dev lan0 nexthop via 2001:db8:77::9 "
     "dev lan0");
  check_routes_come_back();
}

BOOST_AUTO_TEST_CASE(an_ipv6_route_that_home_made_meanwhile_stays) {
  sh("ip addr add 2001:db8:1::1/64 dev other1 nodad; ip addr add 2001:db8:2::1/64 dev other2 nodad;"
     "ip route add 2001:db8:9::/64 via 2001:db8:77::9");
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip route add 2001:db8:9::/64 proto static nexthop via 2001:db8:1::9 nexthop via "
     "2001:db8:2::9");
  const auto others = [] {
    return sh("ip -6 route show 2001:db8:9::/64 | grep -o 'via .* dev other.'");
  };
  const std::string before = others();
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(others() == before);
  BOOST_TEST(says(sh("ip -6 route show 2001:db8:9::/64"), "via 2001:db8:77::9 dev lan0"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(several_first_routes_are_the_first_in_their_order) {
  sh("ip route add 198.18.0.0/16 via 10.77.0.9 metric 5;"
     "ip route append 198.18.0.0/16 via 10.77.0.8 metric 5;"
     "ip route append 198.18.0.0/16 dev other1 metric 5;"
     "ip route append 198.18.0.0/16 via 10.77.0.7 metric 5;"
     "ip route add 198.19.0.0/16 via 10.77.0.9 tos 8; ip route append blackhole 198.19.0.0/16 tos "
     "8");
  check_routes_come_back();
}

BOOST_AUTO_TEST_CASE(routes_of_others_that_went_with_its_address_have_their_places) {
  sh("ip route add 198.18.0.0/16 dev other1 src 10.77.0.1;"
     "ip route append 198.18.0.0/16 dev other2;"
     "ip route add 198.19.0.0/16 dev other2;"
     "ip route append 198.19.0.0/16 dev other1 src 10.77.0.1");
  check_routes_come_back();
}

BOOST_AUTO_TEST_CASE(a_place_that_was_lost_at_home_is_said_and_put_right) {
  sh("ip addr add 10.77.0.201/24 dev other1");
  netlend::Site home{netlend::Netns::current()};
  const auto before = take_snapshot_with_dependents(home, snapshot("lan0").link.ifindex);
  sh("ip addr add 10.77.0.250/32 dev lan0; ip route del 10.77.0.0/24 dev lan0;"
     "ip route append 10.77.0.0/24 dev lan0 proto kernel scope link src 10.77.0.1;"
     "ip addr del 10.77.0.250/32 dev lan0");
  const std::string found = joined(differences_now(home, before.link.ifindex, before));
  BOOST_TEST(found ==
             "route '10.77.0.0/24 src 10.77.0.1 proto kernel scope link' is behind equal routes of "
             "other devices, was before them at home");
}

BOOST_AUTO_TEST_CASE(a_place_between_others_is_lost_only_by_force) {
  sh("ip route add 198.18.0.0/16 dev other1; ip route append 198.18.0.0/16 dev lan0;"
     "ip route append 198.18.0.0/16 dev other2");
  const auto wanted = plan("eth0=lan0");
  const std::string lost = joined(preview(context(), wanted, nullptr).at(0).lost);
  BOOST_TEST(lost ==
             "the order of route '198.18.0.0/16 proto boot scope link' (it stands between equal "
             "routes of other devices, and is put before or behind all of them only)");
  BOOST_TEST(says(error_of([&] { lend(context(), wanted, borrower()); }), lost));
  lend(context(), wanted, borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(says(sh("ip route show 198.18.0.0/16"), "dev lan0"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(in_ipv6_the_first_is_lost_only_by_force_and_the_last_comes_back) {
  sh("ip addr add 2001:db8:78::1/64 dev other1 nodad; ip addr add 2001:db8:78::2/64 dev lan0 "
     "nodad");
  check_routes_come_back();
  sh("ip addr add 2001:db8:77::99/64 dev other1 nodad");
  const auto wanted = plan("eth0=lan0");
  const std::string lost = joined(preview(context(), wanted, nullptr).at(0).lost);
  BOOST_TEST(
      lost ==
      "the order of route '2001:db8:77::/64 proto kernel scope global metric 256' (it stands "
      "before equal routes of other devices, and IPv6 puts it behind them only)");
  BOOST_TEST(says(error_of([&] { lend(context(), wanted, borrower()); }), lost));
  lend(context(), wanted, borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(give_all_back()) == "");
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
