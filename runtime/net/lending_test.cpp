#include "net/lending.hpp"

#include <regex>
#include <thread>

#include "base/syscall.hpp"
#include "net/ledger/ledger.hpp"
#include "net/ledger/lock.hpp"
#include "net/lending_fixture.hpp"

using netlend::ReapScope;
using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::observe;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::succeeds;

namespace {
/// Lends it and gives it back: all is as before.
void check_round_trip(Lab& lab, const std::string& device, const std::string& spec) {
  const std::string before = observe(device);
  lend(lab.context(), Lab::plan(spec), lab.borrower());
  BOOST_TEST(joined(lab.give_all_back()) == "");
  BOOST_TEST(observe(device) == before);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(lending, Lab)

BOOST_AUTO_TEST_CASE(a_lent_device_is_inside_with_its_name_address_and_route) {
  lend(context(),
       plan("eth0=lan0 addr=10.77.0.2/24 addr=2001:db8:77::5/64 gw=10.77.0.9 mtu=1300 "
            "mac=02:00:00:00:77:02"),
       borrower());

  BOOST_TEST(!succeeds("ip link show dev lan0"));
  const std::string inside =
      container.sh("ip -o addr show dev eth0 scope global; ip route; ip link show eth0");
  BOOST_TEST(says(inside, "inet 10.77.0.2/24 brd 10.77.0.255"));
  BOOST_TEST(says(inside, "inet6 2001:db8:77::5/64"));
  BOOST_TEST(says(inside, "default via 10.77.0.9 dev eth0"));
  BOOST_TEST(says(inside, "mtu 1300"));
  BOOST_TEST(says(inside, "02:00:00:00:77:02"));
  BOOST_TEST(!says(inside, "tentative"));
  BOOST_TEST(neighbour.sh("ip neigh flush all; ip neigh show") == "");

  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_device_lent_under_its_own_name_comes_home_too) {
  lend(context(), plan("lan0=lan0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_is_found_by_altname_and_by_mac) {
  const std::string mac =
      sh("cat /sys/class/net/lo/address >/dev/null; ip -j link show lan0 | "
         "sed 's/.*\"address\":\"//;s/\".*//'");
  for (const std::string& source : {std::string("alt:lan-left"), "mac:" + mac}) {
    lend(context(), plan("eth0=" + source), borrower());
    BOOST_TEST(succeeds("test -n \"" + container.sh("ip link show eth0") + "\""));
    BOOST_TEST(joined(give_all_back()) == "");
    check_home_as_it_was();
  }
}

BOOST_AUTO_TEST_CASE(keep_addresses_gives_it_inside_what_it_has_at_home) {
  lend(context(), plan("eth0=lan0 keep=addresses gw=10.77.0.9"), borrower());
  const std::string inside = container.sh("ip -o addr show dev eth0");
  BOOST_TEST(says(inside, "10.77.0.1/24 brd 10.77.0.255"));
  BOOST_TEST(says(inside, "10.77.1.1 peer 10.77.1.2/32"));
  BOOST_TEST(says(inside, "2001:db8:77::1/64"));
  BOOST_TEST(!says(inside, "10.77.2.1"));  // It has a lifetime.
  give_all_back();
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(up_no_leaves_it_down) {
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24 up=no"), borrower());
  BOOST_TEST(says(container.sh("ip link show eth0"), "state DOWN"));
  give_all_back();
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_that_had_another_index_inside_has_its_own_at_home) {
  const auto index = snapshot("lan0").link.ifindex.value;
  container.sh("ip link add ifb7 index " + std::to_string(index) + " type ifb");
  lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(says(container.sh("ip -o link show ifb7"), std::to_string(index) + ": ifb7"));
  container.kill();
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(snapshot("lan0").link.ifindex.value == index);
}

BOOST_AUTO_TEST_CASE(a_device_that_is_down_at_home_comes_back_down) {
  sh("ip link add spare0 type veth peer name spare1; ip addr add 10.88.0.1/24 dev spare0");
  check_round_trip(*this, "spare0", "eth0=spare0 addr=10.88.0.2/24");
}

BOOST_AUTO_TEST_CASE(a_link_local_address_that_was_removed_at_home_stays_removed) {
  sh("ip -6 addr flush dev lan0 scope link");
  check_round_trip(*this, "lan0", "eth0=lan0");
}

BOOST_AUTO_TEST_CASE(a_route_that_outlived_the_prefix_of_its_gateway_comes_back) {
  sh("ip route add 203.0.113.0/24 via 10.77.1.2; ip route del 10.77.1.2 dev lan0 || true");
  check_round_trip(*this, "lan0", "eth0=lan0");
}

BOOST_AUTO_TEST_CASE(a_port_of_a_bridge_comes_back_as_that_port) {
  sh("ip link add br0 type bridge; ip link set br0 up; ip link add port0 type veth peer name far0;"
     "ip link set far0 up; ip link set port0 master br0 up;"
     "ip link set port0 type bridge_slave cost 77 priority 10 isolated on learning off guard on");
  const std::string before = sh("ip -d -j link show port0");
  lend(context(), plan("eth0=port0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  const auto settled = [](const std::string& text) {
    return std::regex_replace(text, std::regex(R"re("[a-z_]*timer":[0-9.]*)re"), "");
  };
  BOOST_TEST(settled(sh("ip -d -j link show port0")) == settled(before));
}

BOOST_AUTO_TEST_CASE(promiscuity_and_other_flags_come_back) {
  sh("ip link set lan0 promisc on allmulticast on");
  const std::string before = observe("lan0");
  lend(context(), plan("eth0=lan0"), borrower());
  container.sh("ip link set eth0 promisc off; ip link set eth0 multicast off");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("lan0") == before);
}

BOOST_AUTO_TEST_CASE(a_device_other_than_veth_is_lent_and_comes_home) {
  sh("ip link add lent0 link lan0 type macvlan mode bridge; ip addr add 10.77.0.77/24 dev lent0;"
     "ip link set lent0 up; ip link add ifb7 type ifb; ip link set ifb7 up");
  netlend::test::wait_for_dad();
  for (const std::string device : {"lent0", "ifb7"}) {
    const std::string before = observe(device);
    lend(context(), plan("eth0=" + device), borrower());
    container.sh("ip link set eth0 down; ip link set eth0 name other7");
    BOOST_TEST(joined(give_all_back()) == "");
    BOOST_TEST(observe(device) == before);
  }
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_inside_is_an_error_and_changes_nothing) {
  container.sh("ip link add eth0 type veth peer name eth1");
  const auto error = error_of([&] { lend(context(), plan("eth0=lan0"), borrower()); });
  BOOST_TEST(says(error, "'eth0' is taken in 'db1'"));
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_home_name_that_is_taken_inside_is_no_obstacle) {
  container.sh("ip link add lan0 type veth peer name other0");
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower());
  BOOST_TEST(says(container.sh("ip addr show eth0"), "10.77.0.2/24"));
  container.kill();
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_device_can_be_called_inside_what_its_altname_is_at_home) {
  lend(context(), plan("lan-left=lan0"), borrower());
  BOOST_TEST(says(container.sh("ip link show lan-left"), "lan-left@"));
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_that_is_lent_is_refused_with_the_borrowers_name) {
  lend(context(), plan("eth0=lan0"), borrower("db1"));
  netlend::test::Sleeper second;
  auto other = borrower("web1");
  other.netns = netlend::Netns::of_process(second.pid());
  other.process = netlend::identify_process(second.pid());
  const auto error = error_of([&] { lend(context(), plan("eth0=lan0"), other); });
  BOOST_TEST(says(error, "device 'lan0' is lent to 'db1' as 'eth0'"));
  give_all_back();
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_device_that_is_being_lent_is_refused_to_others) {
  const netlend::test::Sleeper other;
  std::string refusal;
  auto interrupted = context();
  interrupted.on_step = [&](std::string_view step) {
    if (step != "pin_borrower") return;
    refusal = error_of([&] { lend(context(), plan("eth0=lan0"), borrower_of(other, "db2")); });
  };
  lend(interrupted, plan("eth0=lan0"), borrower());
  BOOST_TEST(refusal == "device 'lan0' is lent to 'db1'; 'netlend loans' shows the loan");
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(both_ends_of_a_veth_can_be_lent_and_come_home) {
  sh("ip link add left0 type veth peer name right0; ip addr add 10.88.0.1/24 dev left0;"
     "ip addr add 10.88.1.1/24 dev right0; ip link set left0 up; ip link set right0 up");
  netlend::test::wait_for_dad();
  const std::string left = observe("left0");
  const std::string right = observe("right0");
  netlend::test::Sleeper second;
  const auto other = borrower_of(second, "web1");
  lend(context(), plan("eth0=left0 addr=10.88.0.2/24"), borrower());
  lend(context(), plan("eth0=right0 addr=10.88.0.3/24"), other);
  container.sh("ip link set eth0 down; ip link set eth0 name mine0");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("left0") == left);
  BOOST_TEST(observe("right0") == right);

  netlend::Plan both = plan("eth0=left0");
  both.nics.push_back(netlend::parse_nic_spec("eth1=right0"));
  lend(context(), both, borrower());
  container.kill();
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("left0") == left);
  BOOST_TEST(observe("right0") == right);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_broken_ledger_is_reported_and_stops_nobody_else) {
  lend(context(), plan("eth0=lan0"), borrower());
  sh("echo rubbish > " + state().path() + "/ledgers/other-00000000-1");
  container.kill();
  const auto failures = netlend::reap(context(), ReapScope::dead);
  BOOST_REQUIRE(failures.size() == 1U);
  BOOST_TEST(says(failures[0].what, "'other-00000000-1' is broken"));
  check_home_as_it_was();
  sh("rm " + state().path() + "/ledgers/other-00000000-1");
}

BOOST_AUTO_TEST_CASE(an_address_that_another_host_has_is_not_lent) {
  neighbour.sh("ip addr add 2001:db8:77::66/64 dev peer0 nodad");
  const auto error =
      error_of([&] { lend(context(), plan("eth0=lan0 addr=2001:db8:77::66/64"), borrower()); });
  BOOST_TEST(says(error, "2001:db8:77::66 is in use by another host"));
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(what_a_dead_borrower_holds_is_brought_home_for_the_next_who_wants_it) {
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24"), borrower("db1"));
  container.kill();
  netlend::test::Sleeper second;
  const auto other = borrower_of(second, "web1");
  lend(context(), plan("eth9=lan0"), other);
  BOOST_TEST(says(second.sh("ip link show eth9"), "eth9"));
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(lending_the_same_twice_is_lending_it_once) {
  const auto first = lend(context(), plan("eth0=lan0"), borrower());
  const auto second = lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(first == second);
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(giving_back_twice_or_what_was_never_lent_is_success) {
  const auto ledger = lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(netlend::give_back(context(), ledger).empty());
  BOOST_TEST(netlend::give_back(context(), ledger).empty());
  BOOST_TEST(netlend::give_back(context(), "nobody-00000000-1").empty());
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(the_device_with_the_default_route_is_lent_only_by_force) {
  sh("ip route add default via 10.77.0.9");
  const std::string before = observe("lan0");
  const auto error = error_of([&] { lend(context(), plan("eth0=lan0"), borrower()); });
  BOOST_TEST(says(error, "default route"));
  BOOST_TEST(observe("lan0") == before);
  check_state_is_empty();

  lend(context(), plan("eth0=lan0"), borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(observe("lan0") == before);
}

BOOST_AUTO_TEST_CASE(who_asks_by_annotation_is_not_told_to_force_it) {
  sh("ip route add default via 10.77.0.9");
  const auto error = error_of([&] {
    lend(context(), plan("eth0=lan0"), borrower(),
         {.permission = [](const std::vector<netlend::WantedDevice>&) {}});
  });
  BOOST_TEST(error ==
             "device 'lan0' is not lent: it carries a default route of this machine; no annotation "
             "can ask for it, only '--force' on the command line of netlend, for what is named "
             "there");
  const auto report = [&](const netlend::LendOptions& options) {
    return joined(preview(context(), plan("eth0=lan0"), nullptr, options).at(0).refusals);
  };
  BOOST_TEST(report({}) ==
             "it carries a default route of this machine; '--force' lends it all the same");
  BOOST_TEST("device 'lan0' is not lent: " +
                 report({.permission = [](const std::vector<netlend::WantedDevice>&) {}}) ==
             error);
}

BOOST_AUTO_TEST_CASE(a_plan_that_wants_a_device_twice_is_refused_beforehand) {
  netlend::Plan twice = plan("eth0=lan0");
  twice.nics.push_back(netlend::parse_nic_spec("eth1=alt:lan-left"));
  // Nobody is asked whether it may be, since it can't.
  const auto error = error_of([&] {
    lend(context(), twice, borrower(),
         {.permission = [](const auto&) { throw netlend::Error("asked"); }});
  });
  BOOST_TEST(error == "device 'lan0' is wanted twice");
  BOOST_TEST(joined(preview(context(), twice, nullptr).at(1).refusals) == error);
}

BOOST_AUTO_TEST_CASE(a_second_default_route_inside_is_refused) {
  sh("ip link add spare0 type veth peer name spare1");
  lend(context(), plan("eth0=lan0 addr=10.77.0.2/24 addr=2001:db8:77::5/64 gw=10.77.0.9"),
       borrower());
  netlend::Borrower same = borrower();
  same.key = "/bundles/second";
  const auto wanted = plan("eth1=spare0 addr=10.88.0.2/24 gw=10.88.0.1");
  const std::string why =
      "gateway '10.88.0.1': 'db1' has a default route for IPv4 already; leave it out";
  BOOST_TEST(joined(preview(context(), wanted, &same).at(0).refusals) == why);
  BOOST_TEST(error_of([&] { lend(context(), wanted, same); }) == why);
  BOOST_TEST(succeeds("ip link show spare0"));
  lend(context(), plan("eth1=spare0 addr=2001:db8:88::2/64 gw=2001:db8:88::1"), same);
  const auto second = plan("eth2=veth: addr=2001:db8:89::2/64 gw=2001:db8:89::1");
  same.key = "/bundles/third";
  const std::string why_not =
      "gateway '2001:db8:89::1': 'db1' has a default route for IPv6 already";
  BOOST_TEST(says(joined(preview(context(), second, &same).at(0).refusals), why_not));
  BOOST_TEST(says(error_of([&] { lend(context(), second, same); }), why_not));
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_default_route_of_another_metric_inside_is_told) {
  sh("ip link add spare0 type veth peer name spare1");
  lend(context(), plan("eth0=spare0 addr=10.88.0.2/24"), borrower());
  container.sh("ip route add default via 10.88.0.1 metric 100");
  const auto wanted = plan("eth1=lan0 addr=10.77.0.2/24 gw=10.77.0.9");
  const netlend::Borrower who = borrower();
  const auto report = preview(context(), wanted, &who).at(0);
  BOOST_TEST(joined(report.refusals) == "");
  BOOST_TEST(
      says(joined(report.changes), "'db1' has another default route, default via 10.88.0.1 "));
  BOOST_TEST(says(joined(report.changes), "metric 100; of the two, that with the lower metric is"));
  BOOST_TEST(joined(give_all_back()) == "");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_restored_is_lent_only_by_force) {
  sh("tc qdisc add dev lan0 clsact; tc filter add dev lan0 ingress protocol ip handle 1: u32 "
     "divisor 16");
  const auto error = error_of([&] { lend(context(), plan("eth0=lan0"), borrower()); });
  BOOST_TEST(says(error, "filter 'u32 1:"));
  BOOST_TEST(says(error, "--force"));
  const auto reports = preview(context(), plan("eth0=lan0"), nullptr);
  BOOST_REQUIRE(reports.size() == 1U);
  BOOST_TEST(says(joined(reports[0].lost), "filter 'u32 1:"));
  BOOST_TEST(!reports[0].refusals.empty());
}

BOOST_AUTO_TEST_CASE(devices_that_cannot_be_moved_are_refused_by_name_and_reason) {
  sh("ip link add br0 type bridge");
  BOOST_TEST(says(error_of([&] { lend(context(), plan("eth0=lo"), borrower()); }), "loopback"));
  BOOST_TEST(says(error_of([&] { lend(context(), plan("eth0=br0"), borrower()); }), "'br0'"));
  BOOST_TEST(
      says(error_of([&] { lend(context(), plan("eth0=nope"), borrower()); }), "no device 'nope'"));
  BOOST_TEST(
      says(error_of([&] { lend(context(), plan("eth0=lan-left"), borrower()); }), "alt:lan-left"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(our_own_namespace_is_no_borrower) {
  auto self = borrower("self");
  self.netns = netlend::Netns::current();
  BOOST_TEST(says(error_of([&] { lend(context(), plan("eth0=lan0"), self); }), "our own"));
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(of_two_devices_neither_stays_inside_if_the_second_fails) {
  sh("ip link add spare0 type veth peer name spare1");
  container.sh("ip link add taken0 type veth peer name taken1");
  netlend::Plan both = plan("eth0=lan0 addr=10.77.0.2/24");
  both.nics.push_back(netlend::parse_nic_spec("taken0=spare0"));
  BOOST_TEST(says(error_of([&] { lend(context(), both, borrower()); }), "'taken0' is taken"));
  check_home_as_it_was();
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_pair_is_made_for_the_borrower_and_removed_after_it) {
  sh("ip link add br0 type bridge; ip link set br0 up");
  lend(context(), plan("eth0=veth:h0 bridge=br0 host-addr=10.99.0.1/24 addr=10.99.0.2/24 mtu=1380"),
       borrower());
  BOOST_TEST(says(sh("ip -d link show h0; ip addr show h0"), "master br0"));
  BOOST_TEST(says(sh("ip addr show h0"), "10.99.0.1/24"));
  BOOST_TEST(says(container.sh("ip addr show eth0"), "10.99.0.2/24"));
  BOOST_TEST(says(container.sh("ip addr show eth0"), "mtu 1380"));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(!succeeds("ip link show h0"));
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_pair_without_a_name_gets_one) {
  lend(context(), plan("eth0=veth:"), borrower());
  BOOST_TEST(says(sh("ip -o link show type veth"), ": nl-"));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(!says(sh("ip -o link show type veth"), ": nl-"));
}

BOOST_AUTO_TEST_CASE(a_pair_whose_end_at_home_was_renamed_is_removed) {
  lend(context(), plan("eth0=veth:h0"), borrower());
  sh("ip link set h0 name renamed0");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(!succeeds("ip link show renamed0"));
  BOOST_TEST(!says(container.sh("ip -o link"), "eth0"));
}

BOOST_AUTO_TEST_CASE(a_pair_whose_end_at_home_was_moved_on_is_removed) {
  lend(context(), plan("eth0=veth:h0"), borrower());
  sh("ip link set h0 netns " + std::to_string(neighbour.pid()));
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(!says(neighbour.sh("ip -o link"), "h0"));
  BOOST_TEST(!says(container.sh("ip -o link"), "eth0"));
}

BOOST_AUTO_TEST_CASE(what_is_mounted_over_the_name_of_a_borrower_does_not_hide_it) {
  sh("ip netns add blue; ip netns add red");
  const std::string path = "/run/netns/blue";
  lend(context(), plan("eth0=lan0"),
       {.id = netlend::ContainerId{"blue"},
        .key = path,
        .netns = netlend::Netns::open(path),
        .process = {},
        .netns_path = path});
  sh("mount --bind /run/netns/red /run/netns/blue");
  BOOST_TEST(joined(give_all_back()) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(a_pair_does_not_take_a_name_that_is_somebody_elses) {
  sh("ip link add h0 type veth peer name h1");
  const auto before = sh("ip -j link show h0");
  BOOST_TEST(says(error_of([&] { lend(context(), plan("eth0=veth:h0"), borrower()); }), "'h0'"));
  BOOST_TEST(sh("ip -j link show h0") == before);
}

BOOST_AUTO_TEST_CASE(a_generation_that_another_lender_has_is_not_taken_again) {
  constexpr int kGenerations = 500;
  constexpr int kPreparationMs = 500;
  const std::string stem = netlend::ledger_stem(borrower().id, borrower().key);
  std::vector<netlend::LedgerLock> others;
  std::int64_t first = 0;
  // A generation is the time: those of the next half second are taken before it begins.
  do {
    for (auto& lock : others) lock.remove();
    others.clear();
    first = netlend::monotonic_ms() + kPreparationMs;
    for (int i = 0; i < kGenerations; ++i) {
      const std::string name = stem + "-" + std::to_string(first + i);
      others.push_back(netlend::LedgerLock::acquire(state(), name, 0));
    }
  } while (netlend::monotonic_ms() >= first);
  while (netlend::monotonic_ms() < first) std::this_thread::yield();
  const std::string ledger = lend(context(), plan("eth0=lan0"), borrower());
  BOOST_TEST(std::stoll(ledger.substr(stem.size() + 1)) == first + kGenerations);
  for (auto& lock : others) lock.remove();
  BOOST_TEST(joined(give_all_back()) == "");
  check_state_is_empty();
}

BOOST_AUTO_TEST_SUITE_END()
