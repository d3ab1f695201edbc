// What hangs on a device at home without being one of its addresses or routes.
#include <fmt/core.h>

#include "net/lending_fixture.hpp"
#include "net/snapshot/comparison.hpp"
#include "net/snapshot/differences.hpp"

using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::observe;
using netlend::test::says;
using netlend::test::sh;

BOOST_FIXTURE_TEST_SUITE(dependents, Lab)

BOOST_AUTO_TEST_CASE(an_ipv6_token_comes_back) {
  sh("ip token set ::77 dev lan0");
  const std::string before = sh("ip token get dev lan0");
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("ip token get dev lan0") == before);
}

BOOST_AUTO_TEST_CASE(a_device_with_a_secret_makes_its_addresses_as_it_did_or_none) {
  for (const std::string mode : {"none", "eui64"}) {
    sh("ip link set lan0 down; echo 2001:db8::1 > /proc/sys/net/ipv6/conf/lan0/stable_secret; "
       "ip link set lan0 addrgenmode " +
       mode + " up; ip addr add 2001:db8:77::1/64 dev lan0 nodad");
    if (mode != "none") netlend::test::wait_for_dad();  // It waits for link-local addresses.
    const auto before = snapshot("lan0");
    lend(context(), plan("eth0=lan0"), borrower());
    BOOST_TEST(joined(give_all_back()) == "", mode);
    BOOST_TEST(joined(differences(before, snapshot("lan0"))) == "", mode);
    check_state_is_empty();
  }
}

BOOST_AUTO_TEST_CASE(a_token_comes_back_to_a_device_that_no_longer_listens_to_routers) {
  sh("ip token set ::77 dev lan0; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding;"
     "echo 0 > /proc/sys/net/ipv6/conf/lan0/router_solicitations; ip link set lan0 arp off");
  const std::string before = observe("lan0") + sh("ip token get dev lan0");
  BOOST_TEST(says(joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored),
                  "IPv6 token ::77"));
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("lan0") + sh("ip token get dev lan0") == before);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(addresses_that_join_groups_come_back_with_them) {
  sh("ip addr add 224.9.9.9/32 dev lan0 autojoin; ip addr add ff05::77/128 dev lan0 autojoin");
  netlend::test::wait_for_dad();
  // In which order they are joined is nobody's to tell.
  const std::string groups = "ip maddr show dev lan0 | sort";
  const std::string before = observe("lan0") + sh(groups);
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("lan0") + sh(groups) == before);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(routes_of_other_devices_whose_source_is_its_address_come_back) {
  sh("ip link add other0 type veth peer name other1; ip link set other1 up;"
     "ip addr add 10.88.0.1/24 dev other0; ip link set other0 up;"
     "ip route add 198.18.0.0/16 via 10.88.0.9 src 10.77.0.1 metric 5;"
     "ip route add 198.19.0.0/16 dev other0 src 10.77.0.3 table 400");
  netlend::test::wait_for_dad();
  const std::string before = observe("other0");
  BOOST_TEST(says(joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored),
                  "route 198.18.0.0/16 via 10.88.0.9 src 10.77.0.1"));
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(!says(observe("other0"), "198.18.0.0"));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("other0") == before);
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_route_of_another_device_that_went_again_is_said) {
  sh("ip link add other0 type veth peer name other1; ip link set other1 up;"
     "ip addr add 10.88.0.1/24 dev other0; ip link set other0 up;"
     "ip route add 198.18.0.0/16 via 10.88.0.9 src 10.77.0.1;"
     "ip route add 198.19.0.0/16 via 10.88.0.9 src 10.77.0.1");
  netlend::Site home{netlend::Netns::current()};
  const auto before = take_snapshot_with_dependents(home, snapshot("lan0").link.ifindex);
  sh("ip route del 198.18.0.0/16");
  BOOST_TEST(joined(differences_now(home, before.link.ifindex, before)) ==
             fmt::format("route '198.18.0.0/16 via 10.88.0.9 src 10.77.0.1 proto boot scope "
                         "global' of device {} is missing",
                         snapshot("other0").link.ifindex.value));
}

BOOST_AUTO_TEST_CASE(routes_are_told_in_the_words_of_iproute2) {
  sh("ip route add 198.18.0.0/16 via 10.77.0.9 mtu lock 1300 advmss 1200 initcwnd 20;"
     "ip route add 198.19.0.0/16 nexthop via 10.77.0.8 dev lan0 weight 3 nexthop via 10.77.0.9 dev "
     "lan0; ip nexthop add id 5 via 10.77.0.9 dev lan0; ip route add 198.20.0.0/16 nhid 5;"
     "ip -6 route add 2001:db8:5::/64 via 2001:db8:77::9 pref high");
  const std::string index = std::to_string(snapshot("lan0").link.ifindex.value);
  const std::string told = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored);
  for (const std::string& part :
       {std::string("198.18.0.0/16 via 10.77.0.9 proto boot scope global mtu lock 1300 advmss 1200 "
                    "initcwnd 20"),
        fmt::format("nexthop via 10.77.0.8 dev {0} weight 3 nexthop via 10.77.0.9 dev {0}", index),
        std::string("nhid 5"), std::string("metric 1024 pref high")}) {
    BOOST_TEST(says(told, part), part << " in " << told);
  }
  BOOST_TEST(!says(told, "attribute"));
}

BOOST_AUTO_TEST_CASE(a_nexthop_object_and_its_groups_are_lost_only_by_force) {
  sh("ip nexthop add id 5 via 10.77.0.9 dev lan0; ip nexthop add id 6 blackhole;"
     "ip nexthop add id 7 group 5; ip nexthop add id 8 group 6");
  const auto wanted = plan("eth0=lan0");
  BOOST_TEST(joined(preview(context(), wanted, nullptr).at(0).lost) ==
             "nexthop object 5 via 10.77.0.9; nexthop object 7 group 5");
  BOOST_TEST(says(error_of([&] { lend(context(), wanted, borrower()); }),
                  "this could not be given back as it is: nexthop object 5 via 10.77.0.9"));
  lend(context(), wanted, borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("ip nexthop show | grep -o 'id [0-9]*'") == "id 6\nid 8");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_SUITE_END()
