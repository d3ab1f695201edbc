// What hangs on a device at home: places in bridges, entries, rules, and what stands on it.
#include <fmt/core.h>

#include "net/lending_fixture.hpp"
#include "net/snapshot/virtual_function.hpp"

using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::succeeds;

namespace {
/// A home whose lan0 is a port of br0.
struct BridgeLab : Lab {
  BridgeLab() {
    sh("ip link add br0 type bridge; ip link set br0 up; ip link set lan0 master br0");
  }
  /// Lends lan0 and takes it back; home is to be what `command` prints now.
  void check_stays(const std::string& command) {
    const std::string before = sh(command);
    lend(context(), plan("eth0=lan0"), borrower());
    BOOST_TEST(sh(command + " || true") != before);
    BOOST_TEST(joined(give_all_back()) == "");
    BOOST_TEST(sh(command) == before);
  }
  std::string restored() {
    return joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored);
  }
};

/// lan0 is lent by force only, for what is said; then the loan is closed without a surprise.
void check_only_by_force(Lab& lab, const std::string& why) {
  const auto wanted = Lab::plan("eth0=lan0");
  const auto report = preview(lab.context(), wanted, nullptr).at(0);
  BOOST_TEST(says(joined(report.lost), why), joined(report.lost));
  BOOST_TEST(says(error_of([&] { lend(lab.context(), wanted, lab.borrower()); }),
                  "this could not be given back as it is: " + why));
  lend(lab.context(), wanted, lab.borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(lab.give_all_back()) == "");
}
}  // namespace

BOOST_AUTO_TEST_SUITE(relations)

BOOST_FIXTURE_TEST_CASE(every_attribute_of_a_bridge_port_comes_back, BridgeLab) {
  sh("bridge link set dev lan0 cost 77 priority 9 hairpin on guard on root_block on fastleave on "
     "learning off flood off mcast_flood off mcast_to_unicast on bcast_flood off isolated on "
     "neigh_suppress on locked on mcast_router 2");
  check_stays("bridge -d -j link show dev lan0");
}

BOOST_FIXTURE_TEST_CASE(entered_forwarding_entries_come_back, BridgeLab) {
  sh("bridge fdb add 02:00:00:00:00:01 dev lan0 master static;"
     "bridge fdb add 02:00:00:00:00:02 dev lan0 master static sticky;"
     "bridge fdb add 02:00:00:00:00:03 dev lan0 master permanent;"
     "bridge fdb add 02:00:00:00:00:04 dev lan0 self");
  BOOST_TEST(says(restored(), "forwarding entry 02:00:00:00:00:02 master static sticky"));
  check_stays("bridge fdb show brport lan0 | grep '02:00:00:00:00:0' | sort");
}

BOOST_FIXTURE_TEST_CASE(entries_of_a_control_plane_come_back, BridgeLab) {
  sh("bridge fdb add 02:00:00:00:00:01 dev lan0 master dynamic extern_learn");
  BOOST_TEST(says(restored(), "forwarding entry 02:00:00:00:00:01 master extern_learn dynamic"));
  check_stays("bridge fdb show brport lan0 | grep '02:00:00:00:00:0' | sort");
}

BOOST_FIXTURE_TEST_CASE(dynamic_entries_of_a_port_that_does_not_learn_come_back, BridgeLab) {
  sh("bridge link set dev lan0 learning off; bridge fdb flush dev lan0 master dynamic || true;"
     "until bridge fdb add 02:00:00:00:00:01 dev lan0 master dynamic 2>/dev/null; do :; done");
  BOOST_TEST(says(restored(), "forwarding entry 02:00:00:00:00:01 master dynamic"));
  check_stays("bridge fdb show brport lan0 | grep '02:00:00:00:00:0' | sort");
}

BOOST_FIXTURE_TEST_CASE(sticky_entries_of_a_port_that_learns_come_back, BridgeLab) {
  sh("until bridge fdb add 02:00:00:00:00:01 dev lan0 master dynamic sticky 2>/dev/null; do :; "
     "done");
  BOOST_TEST(says(restored(), "forwarding entry 02:00:00:00:00:01 master dynamic sticky"));
  check_stays("bridge fdb show brport lan0 | grep '02:00:00:00:00:0' | sort");
}

BOOST_FIXTURE_TEST_CASE(entered_neighbours_that_are_not_permanent_come_back, Lab) {
  sh("ip neigh add 10.77.0.80 dev lan0 managed;"
     "ip neigh add 10.77.0.79 lladdr 02:00:00:00:00:79 nud noarp dev lan0;"
     "ip neigh add 10.77.0.78 lladdr 02:00:00:00:00:78 dev lan0 nud reachable extern_learn;"
     "ip -6 neigh add 2001:db8:77::78 lladdr 02:00:00:00:00:78 dev lan0 nud stale extern_learn");
  const std::string list =
      "ip neigh show dev lan0 nud all | grep -E '(managed|extern_learn|00:79 NOARP)' | "
      "sed -E 's/ (REACHABLE|STALE|INCOMPLETE|PROBE|FAILED)//' | sort";
  const std::string before = sh(list);
  const std::string told = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored);
  for (const auto* line : {"neighbour 10.77.0.80 managed",
                           "neighbour 10.77.0.79 lladdr "
                           "02:00:00:00:00:79 noarp",
                           "neighbour 10.77.0.78 lladdr "
                           "02:00:00:00:00:78 extern_learn"}) {
    BOOST_TEST(says(told, line), told);
  }
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh(list) == before);
}

BOOST_FIXTURE_TEST_CASE(neighbours_that_the_kernel_enters_are_not_taken_for_entered_ones, Lab) {
  neighbour.sh("ip addr add 10.77.0.10/24 dev peer0");
  sh("ping -c 1 -W 5 10.77.0.10; ping -c 1 -W 1 -b 10.77.0.255 || true;"
     "ping -c 1 -W 1 224.0.0.9%lan0 || ping -c 1 -W 1 -I lan0 224.0.0.9 || true");
  BOOST_TEST(says(sh("ip neigh show dev lan0 nud all"), "NOARP"));
  const std::string told = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored);
  BOOST_TEST(!says(told, "noarp"), told);
  BOOST_TEST(!says(told, "10.77.0.10"), told);
}

BOOST_FIXTURE_TEST_CASE(a_dynamic_entry_whose_time_is_over_meanwhile_stays_away, BridgeLab) {
  sh("ip link set br0 type bridge ageing_time 100; bridge link set dev lan0 learning off;"
     "until bridge fdb add 02:00:00:00:00:01 dev lan0 master dynamic 2>/dev/null; do :; done");
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip link add bt0 type bridge ageing_time 100; ip link add p9 type veth peer name p8;"
     "ip link set p9 master bt0; ip link set bt0 up; ip link set p8 up; ip link set p9 up;"
     "until bridge fdb add 02:00:00:00:00:09 dev p9 master dynamic 2>/dev/null; do :; done;"
     "while bridge -s fdb show brport p9 | grep -q 02:00:00:00:00:09; do :; done");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(!says(sh("bridge fdb show brport lan0"), "02:00:00:00:00:01"));
}

BOOST_FIXTURE_TEST_CASE(what_a_bridge_learns_again_is_said_and_not_restored, BridgeLab) {
  sh("until bridge fdb add 02:00:00:00:00:01 dev lan0 master dynamic 2>/dev/null; do :; done");
  BOOST_TEST(says(joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).changes),
                  "bridge 'br0' forgets the dynamic forwarding entries behind it"));
  BOOST_TEST(!says(restored(), "02:00:00:00:00:01"));
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
}

BOOST_FIXTURE_TEST_CASE(multicast_groups_that_were_entered_for_a_time_come_back, BridgeLab) {
  sh("until bridge mdb add dev br0 port lan0 grp 239.1.1.1 temp 2>/dev/null; do :; done;"
     "bridge mdb add dev br0 port lan0 grp 239.1.1.2 permanent");
  BOOST_TEST(says(restored(), "multicast group 239.1.1.1 temp of its bridge port"));
  check_stays("bridge mdb show dev br0 | grep 239.1.1 | sort");
}

BOOST_FIXTURE_TEST_CASE(a_bridge_that_was_made_anew_meanwhile_is_known_by_its_name, BridgeLab) {
  sh("bridge link set dev lan0 cost 77");
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip link del br0; ip link add other0 type bridge; ip link add br0 type bridge;"
     "ip link set br0 up");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(says(sh("bridge link show dev lan0"), "master br0"));
  BOOST_TEST(says(sh("bridge link show dev lan0"), "cost 77"));
}

BOOST_FIXTURE_TEST_CASE(a_bridge_that_is_gone_is_named, BridgeLab) {
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip link del br0");
  const std::string said = joined(give_all_back());
  BOOST_TEST(says(said, "restore the master of 'lan0': bridge 'br0' is gone"), said);
  BOOST_TEST(says(said, "master is none, was bridge 'br0' at home"), said);
  sh("ip link add br0 type bridge; ip link set br0 up");
  BOOST_TEST(joined(give_all_back()) == "");
}

BOOST_FIXTURE_TEST_CASE(static_multicast_addresses_come_back, Lab) {
  // IP listens to the second one as well.
  sh("ip maddr add 01:00:5e:00:00:77 dev lan0; ip maddr add 33:33:00:00:00:01 dev lan0;"
     "ip maddr add 01:02:03:04:05:06 dev lan0");
  const std::string before = sh("ip maddr show dev lan0");
  BOOST_TEST(says(before, "01:02:03:04:05:06 static"));
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("ip maddr show dev lan0") == before);
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(what_the_borrower_entered_does_not_come_along, Lab) {
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh(
      "ip maddr add 01:02:03:04:05:06 dev eth0; bridge fdb add 02:00:00:00:00:04 dev eth0 self;"
      "ip link set eth0 promisc on allmulticast on; ip link add br9 type bridge;"
      "ip link set eth0 master br9");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(!says(sh("bridge fdb show dev lan0; ip maddr show dev lan0"), "02:0"));
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(what_the_borrower_put_on_it_does_not_listen_on, Lab) {
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh(
      "ip link add link eth0 name mv0 type macvlan mode bridge; ip link set mv0 up;"
      "ip link add vx0 type vxlan id 5 dev eth0 remote 10.77.0.9 dstport 4789;"
      "ip link add spare0 type veth peer name spare1");
  BOOST_TEST(joined(give_all_back()) == "");
  const std::string left = container.sh("ip -br link");
  BOOST_TEST(!says(left, "mv0"), left);
  BOOST_TEST(!says(left, "vx0"), left);
  BOOST_TEST(says(left, "spare0@spare1"), left);
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(what_the_borrower_put_on_it_does_not_listen_on_in_another_namespace, Lab) {
  const netlend::test::Sleeper nested;
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh("ip link add link eth0 name mv0 type macvlan mode passthru; ip link set mv0 netns " +
               std::to_string(nested.pid()));
  nested.sh("ip link set mv0 up; ip link add spare0 type veth peer name spare1");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(!says(nested.sh("ip -br link"), "mv0"));
  BOOST_TEST(says(nested.sh("ip -br link"), "spare0@spare1"));
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(a_macvlan_on_it_of_another_namespace_is_named_and_goes_by_force, Lab) {
  const netlend::test::Sleeper other;
  sh("ip link add link lan0 name mv0 type macvlan mode bridge; ip link set mv0 netns " +
     std::to_string(other.pid()));
  check_only_by_force(*this, "macvlan 'mv0' of another network namespace, which stands on it");
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(rules_that_name_the_device_have_effect_again, Lab) {
  sh("ip rule add iif lan0 pref 100 table 300; ip rule add oif lan0 pref 101 fwmark 5 table 301;"
     "ip rule add iif lan-left from 192.0.2.0/24 pref 102 table 302;"
     "ip -6 rule add iif lan-right pref 103 table 303; ip rule add iif peer9 pref 104 table 304");
  const std::string list = "ip rule; ip -6 rule";
  const std::string before = sh(list);
  BOOST_TEST(says(joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored),
                  "routing rule 102 from 192.0.2.0/24 iif lan-left lookup 302"));
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(says(sh(list), "iif lan0 [detached]"));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh(list) == before);
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(a_rule_that_was_doubled_by_a_killed_return_is_one_again, Lab) {
  sh("ip rule add iif lan-left pref 100 table 300");
  const std::string before = sh("ip rule");
  lend(context(), plan("eth0=lan0"), borrower());
  netlend::LendingContext killed = context();
  killed.on_step = [](std::string_view step) {
    // The second of the two steps by which a detached rule is replaced.
    if (says(std::string(step), "routing rule 100") && says(sh("ip rule"), "300\n100")) {
      throw netlend::Error("struck");
    }
  };
  BOOST_TEST(!reap(killed, netlend::ReapScope::all).empty());
  BOOST_TEST(says(sh("ip rule"), "100:\tfrom all iif lan-left lookup 300"));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("ip rule") == before);
}

BOOST_FIXTURE_TEST_CASE(what_home_removed_meanwhile_stays_away_and_is_noted, Lab) {
  sh("ip rule add iif lan0 pref 100 fwmark 3/0xff table 300; ip link add spare0 type veth peer "
     "name spare1;"
     "tc qdisc add dev spare0 clsact;"
     "tc filter add dev spare0 ingress u32 match u32 0 0 action mirred egress redirect dev lan0;"
     "nft 'add table netdev t; add chain netdev t c { type filter hook ingress device \"lan0\" "
     "priority 0; policy drop; }; add table netdev u; add chain netdev u c { type filter hook "
     "ingress device \"lan0\" priority 0; }; add table netdev v; add chain netdev v c { type "
     "filter hook ingress device \"lan0\" priority 0; }'");
  lend(context(), plan("eth0=lan0"), borrower());
  sh("ip rule del pref 100; tc filter del dev spare0 ingress; nft 'delete chain netdev t c; delete "
     "table netdev u'");
  // The kernel ends an action some time after its filter.
  sh("while tc actions ls action mirred | grep -q index; do :; done");
  const std::string rules = sh("ip rule");
  BOOST_TEST(reap(listening(), netlend::ReapScope::all).empty());
  BOOST_TEST(
      joined(notes) ==
      "device 'lan0' is home; gone from here meanwhile, and not made again: chain 'c' of table "
      "'netdev t' of nftables; chain 'c' of table 'netdev u' of nftables; action 1 of "
      "traffic control, which redirects to it; routing rule '100 from all fwmark 0x3/0xff "
      "iif lan0 lookup 300'");
  BOOST_TEST(sh("ip rule") == rules);
  BOOST_TEST(sh("nft list chains netdev | grep -c chain") == "1");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_FIXTURE_TEST_CASE(a_macvlan_on_it_is_named_and_survives_by_force, Lab) {
  sh("ip link add link lan0 name mv0 type macvlan mode bridge");
  check_only_by_force(*this, "macvlan 'mv0', which stands on it");
  BOOST_TEST(says(sh("ip link show dev mv0"), "mv0@lan0"));
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(a_vxlan_over_it_is_never_destroyed, Lab) {
  sh("ip link add vx0 type vxlan id 5 dev lan0 remote 10.77.0.9 dstport 4789");
  const auto wanted = plan("eth0=lan0");
  const std::string refusal =
      "vxlan 'vx0' stands on it, and the kernel would destroy that as it moves; remove 'vx0' first";
  BOOST_TEST(says(joined(preview(context(), wanted, nullptr).at(0).refusals), refusal));
  for (const auto force : {netlend::Force::no, netlend::Force::yes}) {
    BOOST_TEST(
        says(error_of([&] { lend(context(), wanted, borrower(), {.force = force}); }), refusal));
  }
  BOOST_TEST(succeeds("ip link show dev vx0"));
  check_state_is_empty();
}

BOOST_FIXTURE_TEST_CASE(the_other_end_of_a_pair_does_not_stand_on_it, Lab) {
  sh("ip link add lan1 type veth peer name lan2");
  lend(context(), plan("eth1=lan1"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
}

BOOST_FIXTURE_TEST_CASE(chains_that_are_hooked_to_it_see_its_packets_again, Lab) {
  sh("nft 'add table netdev t; add chain netdev t in { type filter hook ingress device \"lan0\" "
     "priority 0; }; add table inet u; add chain inet u c-d { type filter hook ingress devices "
     "= { lo, lan0 } priority 0; }; add chain netdev t other { type filter hook ingress device "
     "\"lo\" priority 0; }'");
  const std::string before = sh("nft list ruleset");
  const auto report = preview(context(), plan("eth0=lan0"), nullptr).at(0);
  BOOST_TEST(
      says(joined(report.restored), "its place in chain 'in' of table 'netdev t' of nftables"));
  BOOST_TEST(!says(joined(report.restored), "other"));
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("nft list ruleset") == before);
  check_home_as_it_was();
}

BOOST_FIXTURE_TEST_CASE(a_chain_that_was_made_anew_without_the_device_has_it_again, Lab) {
  const std::string make =
      "nft 'add table netdev t; add chain netdev t in { type filter hook ingress devices = { {} } "
      "priority 0; }; add rule netdev t in counter'";
  const auto make_with = [&](const std::string& devices) {
    std::string command = make;
    sh(command.replace(command.find("{}"), 2, devices));
  };
  make_with("lan0, lo");
  const std::string before = sh("nft -s list chain netdev t in");
  lend(context(), plan("eth0=lan0"), borrower());
  sh("nft delete table netdev t");
  make_with("lo");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("nft -s list chain netdev t in") == before);
}

BOOST_FIXTURE_TEST_CASE(actions_of_traffic_control_send_to_it_again, Lab) {
  sh("tc actions add action mirred egress mirror dev lan0 index 77;"
     "tc actions add action mirred ingress redirect dev lan0 index 78;"
     "tc actions add action mirred egress mirror dev lo index 79;"
     "tc actions add action mirred egress redirect dev lan0 index 80");
  const std::string list = "tc actions ls action mirred | grep -v used";
  BOOST_TEST(says(joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored),
                  "action 77 of traffic control, which mirrors to it"));
  lend(context(), plan("eth0=lan0"), borrower());
  sh("tc actions change action mirred egress redirect dev lo index 80");
  const std::string away = sh(list);
  BOOST_TEST(joined(give_all_back()) == "");
  const std::string now = sh(list);
  BOOST_TEST(away != now);
  for (const auto* line : {"Egress Mirror to device lan0", "Ingress Redirect to device lan0",
                           "Egress Mirror to device lo", "Egress Redirect to device lo"}) {
    BOOST_TEST(says(now, line), now);
  }
}

BOOST_FIXTURE_TEST_CASE(the_backup_port_of_another_is_named, BridgeLab) {
  sh("ip link add lan1 type veth peer name lan2; ip link set lan1 master br0;"
     "bridge link set dev lan1 backup_port lan0");
  check_only_by_force(*this, "that it is the backup port of 'lan1'");
}

BOOST_AUTO_TEST_CASE(a_virtual_function_is_found_by_the_links_of_its_bus) {
  const std::string root = "/tmp/netlend-functions";
  sh("rm -rf /tmp/netlend-functions; mkdir -p /tmp/netlend-functions/0000:03:00.0 "
     "/tmp/netlend-functions/0000:03:10.0 /tmp/netlend-functions/0000:03:10.2;"
     "cd /tmp/netlend-functions; ln -s ../0000:03:10.0 0000:03:00.0/virtfn0;"
     "ln -s ../0000:03:10.2 0000:03:00.0/virtfn1; ln -s ../0000:03:00.0 0000:03:10.2/physfn");
  const auto place = netlend::find_place(root, "0000:03:10.2");
  BOOST_REQUIRE(place.has_value());
  BOOST_TEST(place->physical == "0000:03:00.0");
  BOOST_TEST(place->number == 1U);
  BOOST_TEST(!netlend::find_place(root, "0000:03:00.0").has_value());
  sh("rm -r /tmp/netlend-functions");
}

BOOST_AUTO_TEST_SUITE_END()
