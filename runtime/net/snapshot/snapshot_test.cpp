#include "net/snapshot/snapshot.hpp"

#include <boost/test/unit_test.hpp>

#include "base/syscall.hpp"
#include "net/checks.hpp"
#include "net/kernel/link.hpp"
#include "net/kernel/site.hpp"
#include "net/snapshot/differences.hpp"
#include "net/snapshot/master.hpp"
#include "net/snapshot/unrestorable.hpp"
#include "support/lab.hpp"
#include "support/own_namespaces.hpp"

using netlend::Netns;
using netlend::Site;
using netlend::test::error_of;
using netlend::test::FreshNetns;
using netlend::test::sh;

BOOST_FIXTURE_TEST_SUITE(snapshots, FreshNetns)

BOOST_AUTO_TEST_CASE(two_readings_of_a_lifetime_give_one_deadline) {
  sh("ip link add a0 type veth peer name a1; ip link set a1 up; ip link set a0 up;"
     "ip addr add 10.0.0.1/24 dev a0 valid_lft 5000 preferred_lft 2500");
  Site here{Netns::current()};
  const auto ifindex = find_link(here.socket, std::string("a0"))->ifindex;
  const auto first = list_addresses(here.socket, ifindex).at(0);
  BOOST_REQUIRE(first.valid_until_s.has_value());
  // Over more than a second, so that every phase of the kernel's clock is met.
  const auto end = netlend::monotonic_ms() + 1500;
  while (netlend::monotonic_ms() < end) {
    const auto again = list_addresses(here.socket, ifindex).at(0);
    BOOST_REQUIRE(again.valid_until_s == first.valid_until_s);
    BOOST_REQUIRE(again.preferred_until_s == first.preferred_until_s);
  }
}

BOOST_AUTO_TEST_CASE(an_untouched_device_has_no_differences) {
  sh("ip link add a0 type veth peer name a1; ip link set a0 up; ip addr add 10.0.0.1/24 dev a0");
  Site here{Netns::current()};
  const auto ifindex = find_link(here.socket, std::string("a0"))->ifindex;
  const auto before = take_snapshot(here, ifindex);
  BOOST_TEST(differences(before, take_snapshot(here, ifindex)).empty());

  sh("ip addr add 10.0.0.2/24 dev a0; ip link set a0 alias x; echo 1 > "
     "/proc/sys/net/ipv4/conf/a0/arp_notify");
  const auto found = differences(before, take_snapshot(here, ifindex));
  BOOST_TEST(found.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_mac_that_two_devices_have_is_an_error_that_names_both) {
  sh("ip link add a0 address 02:00:00:00:00:0a type veth peer name a1 address 02:00:00:00:00:0a");
  Site here{Netns::current()};
  const std::string error = error_of([&] {
    select_device(here, {.by = netlend::DeviceSelector::By::mac, .value = "02:00:00:00:00:0a"});
  });
  BOOST_TEST(error.find("'a1'") != std::string::npos);
  BOOST_TEST(error.find("'a0'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_place_in_a_bridge_a_bond_or_a_vrf_can_be_given_back) {
  for (const char* kind : {"bridge", "bond", "vrf"}) {
    BOOST_TEST(!why_not_writable(netlend::LinkMaster{.kind = kind}).has_value(), kind);
  }
}

BOOST_AUTO_TEST_CASE(a_place_in_another_master_is_lost_and_then_not_missed) {
  sh("ip link add a0 type veth peer name a1");
  Site here{Netns::current()};
  const auto without = take_snapshot(here, find_link(here.socket, std::string("a0"))->ifindex);
  auto within = without;
  within.relations.master_name = "up0";
  within.link.master = {.ifindex = {7}, .kind = "team"};
  BOOST_TEST(unrestorable(here, within).at(0) ==
             "its place in team 'up0' (netlend doesn't restore places in a master of kind 'team')");
  within.link.master->kind = "";
  BOOST_TEST(unrestorable(here, within).at(0) ==
             "its place in master 'up0' (netlend doesn't restore places in a master of unknown "
             "kind)");
  remove_unrestorable(within);
  BOOST_TEST(differences(within, without).empty());
}

BOOST_AUTO_TEST_SUITE_END()
