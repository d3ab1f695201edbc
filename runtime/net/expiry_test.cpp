// What ends by itself while a device is away: home is then what a twin of it, which stayed there,
// has become.
#include <fmt/core.h>

#include <regex>

#include "net/lending_fixture.hpp"

using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::sh;

namespace {
/// Of both devices, since promote_secondaries of one holds for that one only.
void set_up_twins(const std::string& setup) {
  sh("ip link add lan1 type veth peer name far1; ip link add lan2 type veth peer name far2");
  for (const std::string device : {"1", "2"}) {
    sh(std::regex_replace(setup, std::regex("#"), device));
  }
  netlend::test::wait_for_dad();
}

/// Addresses and routes, without names, numbers and what is left of lifetimes.
std::string describe_twin(const std::string& number) {
  const std::string text =
      sh(fmt::format("ip -4 addr show dev lan{0}; ip -6 addr show dev lan{0} scope global; ip "
                     "route show dev lan{0}"
                     " table all type unicast; ip -6 route show dev lan{0} table all type unicast",
                     number));
  const std::regex volatile_part(R"(^\d+: .*|\blan\d|_lft \d+sec|expires \d+sec)",
                                 std::regex::multiline);
  return std::regex_replace(std::regex_replace(text, volatile_part, ""),
                            std::regex(fmt::format(R"((10\.|db8:){}\b)", number)), "$1N");
}

/// Lends lan1 until `ended` is seen no more in what its twin at home has.
void check_equal_after(Lab& lab, const std::string& ended) {
  const auto ledger = lend(lab.context(), Lab::plan("eth0=lan1"), lab.borrower());
  sh(fmt::format("while ip addr show dev lan2 | grep -q '{}'; do :; done", ended));
  BOOST_TEST(joined(lab.give_all_back()) == "");
  BOOST_TEST(describe_twin("1") == describe_twin("2"));
  lab.check_state_is_empty();
}

constexpr const char* kAddresses = R"(
  ip link set lan# up; ip link set far# up
  ip addr add 10.#.0.1/24 dev lan# valid_lft 2 preferred_lft 1
  ip addr add 10.#.1.1/24 dev lan# metric 7
  ip addr add 10.#.1.2/24 dev lan#
  ip addr add 10.#.0.2/24 dev lan# metric 9
  ip addr add 10.#.0.3/24 dev lan#
  ip route add 10.#.99.0/24 via 10.#.0.9 dev lan#
  ip route add 10.#.98.0/24 via 10.#.0.9 dev lan# src 10.#.0.1
  ip route add 10.#.97.0/24 via 10.#.0.9 dev lan# src 10.#.0.3
)";
}  // namespace

BOOST_FIXTURE_TEST_SUITE(expiry, Lab)

BOOST_AUTO_TEST_CASE(the_first_secondary_takes_the_place_of_an_address_that_ends) {
  set_up_twins(std::string(kAddresses) +
               "echo 1 > /proc/sys/net/ipv4/conf/lan#/promote_secondaries");
  check_equal_after(*this, R"(10\.2\.0\.1/)");
}

BOOST_AUTO_TEST_CASE(it_does_so_where_all_devices_of_home_promote_secondaries) {
  sh("echo 1 > /proc/sys/net/ipv4/conf/all/promote_secondaries");
  set_up_twins(std::string(kAddresses) +
               "echo 0 > /proc/sys/net/ipv4/conf/lan#/promote_secondaries");
  check_equal_after(*this, R"(10\.2\.0\.1/)");
}

BOOST_AUTO_TEST_CASE(without_promotion_the_secondaries_end_too) {
  sh("echo 0 > /proc/sys/net/ipv4/conf/all/promote_secondaries");
  set_up_twins(std::string(kAddresses) +
               "echo 0 > /proc/sys/net/ipv4/conf/lan#/promote_secondaries");
  check_equal_after(*this, R"(10\.2\.0\.1/)");
}

BOOST_AUTO_TEST_CASE(an_heir_without_a_prefix_route_brings_none) {
  set_up_twins(R"(
    ip link set lan# up; ip link set far# up
    echo 1 > /proc/sys/net/ipv4/conf/lan#/promote_secondaries
    ip addr add 10.#.0.1/24 dev lan# valid_lft 2 preferred_lft 1
    ip addr add 10.#.0.2/24 dev lan# noprefixroute
  )");
  check_equal_after(*this, R"(10\.2\.0\.1/)");
}

BOOST_AUTO_TEST_CASE(an_heir_of_an_address_without_a_prefix_route_has_one) {
  set_up_twins(R"(
    ip link set lan# up; ip link set far# up
    echo 1 > /proc/sys/net/ipv4/conf/lan#/promote_secondaries
    ip addr add 10.#.1.1/24 dev lan#
    ip addr add 10.#.0.1/24 dev lan# valid_lft 2 preferred_lft 1 noprefixroute
    ip addr add 10.#.0.2/24 dev lan#
  )");
  check_equal_after(*this, R"(10\.2\.0\.1/)");
}

BOOST_AUTO_TEST_CASE(with_the_last_address_all_ipv4_routes_end) {
  set_up_twins(R"(
    ip link set lan# up; ip link set far# up
    ip addr add 10.#.0.1/24 dev lan# valid_lft 2 preferred_lft 1
    ip route add 10.#.99.0/24 dev lan# scope link
    ip addr add 2001:db8:#::1/64 dev lan# nodad
  )");
  check_equal_after(*this, R"(10\.2\.0\.1/)");
}

BOOST_AUTO_TEST_CASE(an_ipv6_route_outlives_its_source) {
  set_up_twins(R"(
    ip link set lan# up; ip link set far# up
    ip addr add 2001:db8:#::1/64 dev lan# nodad
    ip addr add 2001:db8:#::2/64 dev lan# nodad valid_lft 2 preferred_lft 1
    ip route add 2001:db8:#:9::/64 via 2001:db8:#::9 dev lan# src 2001:db8:#::2
  )");
  check_equal_after(*this, "db8:2::2/");
}

BOOST_AUTO_TEST_SUITE_END()
