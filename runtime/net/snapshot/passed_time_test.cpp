#include "net/snapshot/passed_time.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

using netlend::AddressRecord;
using netlend::DeviceSnapshot;
using netlend::RouteRecord;
using netlend::Secondaries;

namespace {
const std::string kHere{"\x0a\x00\x00\x01", 4};

AddressRecord address(int length_bits, std::optional<std::int64_t> valid_until_s,
                      std::optional<std::int64_t> preferred_until_s) {
  return {.family = AF_INET,
          .length_bits = length_bits,
          .attributes = {{IFA_LOCAL, kHere}},
          .valid_until_s = valid_until_s,
          .preferred_until_s = preferred_until_s};
}

RouteRecord route_from_here() { return {.family = AF_INET, .attributes = {{RTA_PREFSRC, kHere}}}; }

DeviceSnapshot home_with(std::vector<AddressRecord> addresses) {
  DeviceSnapshot home;
  home.addresses = std::move(addresses);
  home.routes = {route_from_here(), {.family = AF_INET}};
  home.dependent_routes = {{netlend::IfIndex{7}, route_from_here()}};
  return home;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(passed_time)

BOOST_AUTO_TEST_CASE(before_a_deadline_nothing_changes) {
  DeviceSnapshot home = home_with({address(24, 200, 100)});
  const DeviceSnapshot before = home;
  let_time_pass(home, 99, Secondaries::promoted);
  BOOST_TEST((home == before));
}

BOOST_AUTO_TEST_CASE(an_address_is_deprecated_when_it_is_no_longer_preferred) {
  DeviceSnapshot home = home_with({address(24, 200, 100)});
  let_time_pass(home, 100, Secondaries::promoted);
  BOOST_REQUIRE(home.addresses.size() == 1U);
  BOOST_TEST(home.addresses[0].flags == std::uint32_t{IFA_F_DEPRECATED});
  BOOST_TEST(home.addresses[0].preferred_until_s.value() == 0);
  BOOST_TEST(home.routes.size() == 2U);
}

BOOST_AUTO_TEST_CASE(an_address_whose_time_is_over_takes_its_routes_along) {
  DeviceSnapshot home = home_with({address(24, 200, 100)});
  let_time_pass(home, 200, Secondaries::promoted);
  BOOST_TEST(home.addresses.empty());
  BOOST_TEST(home.routes.empty());
  BOOST_TEST(home.dependent_routes.empty());
}

BOOST_AUTO_TEST_CASE(the_same_address_of_another_length_keeps_the_routes) {
  DeviceSnapshot home = home_with({address(24, 200, 100), address(32, {}, {})});
  let_time_pass(home, 200, Secondaries::promoted);
  BOOST_TEST(home.addresses.size() == 1U);
  BOOST_TEST(home.routes.size() == 2U);
  BOOST_TEST(home.dependent_routes.size() == 1U);
}

BOOST_AUTO_TEST_CASE(without_its_last_address_a_device_has_no_ipv4_route) {
  DeviceSnapshot home = home_with({address(24, 200, 100)});
  home.routes.push_back({.family = AF_INET6});
  let_time_pass(home, 200, Secondaries::promoted);
  BOOST_REQUIRE(home.routes.size() == 1U);
  BOOST_TEST(home.routes[0].family == AF_INET6);
}

BOOST_AUTO_TEST_CASE(a_route_has_a_deadline_of_its_own) {
  DeviceSnapshot home = home_with({});
  home.routes = {{.family = AF_INET6, .expires_at_s = 200}};
  let_time_pass(home, 199, Secondaries::promoted);
  BOOST_TEST(home.routes.size() == 1U);
  let_time_pass(home, 200, Secondaries::promoted);
  BOOST_TEST(home.routes.empty());
}

BOOST_AUTO_TEST_SUITE_END()
