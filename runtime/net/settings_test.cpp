// What a device is by itself beyond its link message: set at home, changed by the borrower, home as
// it was.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/syscall.hpp"
#include "net/lending_fixture.hpp"
#include "net/snapshot/differences.hpp"
#include "net/snapshot/programs.hpp"
#include "net/snapshot/restore.hpp"

using netlend::Netns;
using netlend::Site;
using netlend::UniqueFd;
using netlend::test::error_of;
using netlend::test::joined;
using netlend::test::Lab;
using netlend::test::load_program;
using netlend::test::says;
using netlend::test::sh;

namespace {
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);

/// Held for as long as the link is open.
UniqueFd hold(int program, netlend::IfIndex ifindex, bpf_attach_type type) {
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program);
  attributes.link_create.target_ifindex = static_cast<std::uint32_t>(ifindex.value);
  attributes.link_create.attach_type = type;
  return UniqueFd{static_cast<int>(
      netlend::check(::syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes),
                     "make a link to", "a device"))};
}

void set_xdp(Site& site, netlend::IfIndex ifindex, int program, std::uint32_t mode) {
  netlend::Message message = change_link(ifindex, "attach XDP");
  message.begin(IFLA_XDP)
      .put_u32(IFLA_XDP_FD, static_cast<std::uint32_t>(program))
      .put_u32(IFLA_XDP_FLAGS, mode)
      .end();
  site.socket.call(message);
}

struct SettingsLab : Lab {
  /// Lends lan0 as eth0, has the borrower do something with it, and gives back: home as it was.
  template <typename Work>
  void check_undone(Work work) {
    const auto before = snapshot("lan0");
    lend(context(), plan("eth0=lan0"), borrower());
    Site inside{Netns::of_process(container.pid())};
    work(inside, find_link(inside.socket, std::string("eth0"))->ifindex);
    BOOST_TEST(joined(give_all_back()) == "");
    BOOST_TEST(joined(differences(before, snapshot("lan0"))) == "");
    BOOST_CHECK(snapshot("lan0").settings == before.settings);
    check_state_is_empty();
  }
  void check_undone(const char* command) {
    check_undone([&](Site&, netlend::IfIndex) { container.sh(command); });
  }
  Site home() { return Site{Netns::current()}; }
  netlend::IfIndex lan0() { return snapshot("lan0").link.ifindex; }
};
}  // namespace

BOOST_FIXTURE_TEST_SUITE(settings, SettingsLab)

// ---- ethtool ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(features_come_back_as_they_were_wanted) {
  sh("ethtool -K lan0 tso off gro on");
  const std::string before = sh("ethtool -k lan0");
  check_undone("ethtool -K eth0 tso on gso off gro off tx off rxvlan off");
  BOOST_TEST(sh("ethtool -k lan0") == before);
}

BOOST_AUTO_TEST_CASE(channels_come_back) {
  sh("ip link add many0 numtxqueues 4 numrxqueues 4 type veth peer name many1 numtxqueues 4 "
     "numrxqueues 4; ethtool -L many0 rx 3 tx 2");
  const auto before = snapshot("many0");
  lend(context(), plan("eth0=many0"), borrower());
  container.sh("ethtool -L eth0 rx 1 tx 4");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(joined(differences(before, snapshot("many0"))) == "");
  const std::string channels = sh("ethtool -l many0 | sed 1,/Current/d");
  BOOST_TEST(says(channels, "RX:\t\t3\nTX:\t\t2"), channels);
}

BOOST_AUTO_TEST_CASE(a_difference_in_what_ethtool_sets_is_named) {
  const auto before = snapshot("lan0");
  sh("ethtool -K lan0 tso off");
  const std::string found = joined(differences(before, snapshot("lan0")));
  BOOST_TEST(says(found, "feature 'tx-tcp-segmentation' is off, was on at home"), found);
}

const std::string kMakeTap =
    "test -c /dev/net/tun || { mkdir /dev/net; mknod /dev/net/tun c 10 200; };"
    "ip tuntap add tap0 mode tap;";

BOOST_AUTO_TEST_CASE(a_forced_speed_comes_back_whatever_the_borrower_forced) {
  sh(kMakeTap + "ethtool -s tap0 speed 100 duplex half msglvl 5");
  const std::string before = sh("ethtool tap0");
  lend(context(), plan("eth0=tap0"), borrower());
  container.sh("ethtool -s eth0 speed 2500 duplex full msglvl 10");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("ethtool tap0") == before);
}

BOOST_AUTO_TEST_CASE(a_speed_that_nobody_knew_is_unknown_again) {
  sh(kMakeTap + "ethtool -s tap0 speed 4294967295 duplex half");
  const auto before = snapshot("tap0");
  BOOST_TEST(says(sh("ethtool tap0"), "Speed: Unknown"));
  lend(context(), plan("eth0=tap0"), borrower());
  container.sh("ethtool -s eth0 speed 2500 duplex full autoneg on");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(says(sh("ethtool tap0"), "Speed: Unknown"));
  BOOST_TEST(joined(differences(before, snapshot("tap0"))) == "");
}

BOOST_AUTO_TEST_CASE(a_forced_speed_is_compared_only_where_it_is_told) {
  sh(kMakeTap + "ethtool -s tap0 speed 100 duplex half");
  const auto before = snapshot("tap0");
  sh("ethtool -s tap0 speed 10 duplex half");
  BOOST_TEST(joined(differences(before, snapshot("tap0"))) ==
             "link mode setting speed is 10, was 100 at home");
  sh("ethtool -s tap0 speed 4294967295 duplex half");
  BOOST_TEST(joined(differences(before, snapshot("tap0"))) == "");
}

BOOST_AUTO_TEST_CASE(the_speed_of_what_a_device_stands_on_is_not_its_own) {
  sh(kMakeTap + "ip link set tap0 up; ip link add mac0 link tap0 type macvlan");
  const auto before = snapshot("mac0");
  sh("ethtool -s tap0 speed 100 duplex half");
  BOOST_TEST(says(sh("ethtool mac0"), "Speed: 100Mb/s"));
  BOOST_TEST(joined(differences(before, snapshot("mac0"))) == "");
}

BOOST_AUTO_TEST_CASE(a_root_qdisc_is_told_by_kind_and_handle_and_compared_with_its_options) {
  const std::string told = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored);
  BOOST_TEST(says(told, "root qdisc tbf 7:;"), told);
  const auto before = snapshot("lan0");
  sh("tc qdisc change dev lan0 root handle 7: tbf rate 50mbit burst 64kbit latency 400ms");
  BOOST_TEST(joined(differences(before, snapshot("lan0"))) ==
             "root qdisc tbf 7: has other options than at home");
}

// ---- the link -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(protodown_and_link_mode_come_back_as_they_were) {
  sh("ip link add low0 type veth peer name low1; ip link set low1 up; ip link set low0 up;"
     "ip link add mac0 link low0 type macvlan mode bridge; ip link set mac0 up mode dormant;"
     "ip link set mac0 protodown on protodown_reason 3 on");
  const std::string before = sh("ip -d link show mac0");
  lend(context(), plan("eth0=mac0"), borrower());
  container.sh(
      "ip link set eth0 mode default; ip link set eth0 protodown_reason 3 off;"
      "ip link set eth0 protodown_reason 5 on protodown on");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("ip -d link show mac0") == before);
}

BOOST_AUTO_TEST_CASE(what_the_borrower_held_down_is_let_go) {
  sh("ip link add low0 type veth peer name low1; ip link set low1 up; ip link set low0 up;"
     "ip link add mac0 link low0 type macvlan mode bridge; ip link set mac0 up");
  const auto before = snapshot("mac0");
  lend(context(), plan("eth0=mac0"), borrower());
  container.sh("ip link set eth0 mode dormant protodown on protodown_reason 5 on");
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(joined(differences(before, snapshot("mac0"))) == "");
  BOOST_TEST(says(sh("ip link show mac0"), "LOWER_UP"));
}

BOOST_AUTO_TEST_CASE(a_device_that_came_up_dormant_runs_once_its_mode_is_right) {
  const auto before = snapshot("lan0");
  sh("ip link set lan0 down; ip link set lan0 mode dormant; ip link set lan0 up");
  while (!says(sh("ip link show lan0"), "state DORMANT")) {
  }
  Site site = home();
  BOOST_TEST(restore_device(site, lan0(), before, {}).empty());
  BOOST_TEST(says(sh("ip link show lan0"), "state UP mode DEFAULT"));
}

// ---- queues -------------------------------------------------------------------------------------

/// Sets each FILE=VALUE of /sys/class/net/DEVICE; a kernel for one processor has no RPS and XPS.
std::string set_in_sysfs(const std::string& device, const std::string& settings) {
  return "unshare -m sh -ec \"mount -t sysfs sysfs /sys; cd /sys/class/net/" + device +
         "; for each in " + settings +
         "; do test ! -e \\${each%=*} || echo \\${each#*=} >\\${each%=*}; done\"";
}

BOOST_AUTO_TEST_CASE(settings_of_queues_and_polling_come_back_whatever_sysfs_is_mounted) {
  sh("ip link add many0 numtxqueues 2 numrxqueues 2 type veth peer name many1");
  sh(set_in_sysfs("many0",
                  "queues/rx-1/rps_cpus=2 queues/rx-1/rps_flow_cnt=256 queues/tx-1/xps_cpus=1 "
                  "gro_flush_timeout=30000 napi_defer_hard_irqs=2"));
  const auto before = snapshot("many0");
  BOOST_TEST(before.settings->queues.at("gro_flush_timeout") == "30000");
  lend(context(), plan("eth0=many0"), borrower());
  container.sh(set_in_sysfs("eth0",
                            "queues/rx-1/rps_cpus=3 queues/rx-1/rps_flow_cnt=0 "
                            "queues/tx-1/xps_cpus=2 queues/rx-0/rps_cpus=1 gro_flush_timeout=7 "
                            "napi_defer_hard_irqs=9"));
  Site inside{Netns::of_process(container.pid())};
  const auto changed =
      take_snapshot(inside, find_link(inside.socket, std::string("eth0"))->ifindex);
  // A kernel for one processor has none of the rest.
  const bool has_all = ::sysconf(_SC_NPROCESSORS_CONF) > 1;
  for (const char* file :
       {"queues/rx-1/rps_cpus", "queues/rx-1/rps_flow_cnt", "queues/tx-1/xps_cpus",
        "queues/rx-0/rps_cpus", "gro_flush_timeout", "napi_defer_hard_irqs"}) {
    const auto& there = changed.settings->queues;
    BOOST_TEST_CONTEXT(file) {
      if (there.contains(file) || has_all) {
        BOOST_TEST(there.at(file) != before.settings->queues.at(file));
      }
    }
  }
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_CHECK(snapshot("many0").settings->queues == before.settings->queues);
}

BOOST_AUTO_TEST_CASE(a_difference_in_a_queue_is_named) {
  auto before = *snapshot("lan0").settings;
  auto now = before;
  now.queues.at("gro_flush_timeout") = "5";
  BOOST_TEST(joined(differences(before, now)) == "gro_flush_timeout is 5, was 0 at home");
}

// ---- programs -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(xdp_that_the_borrower_attached_is_taken_off_in_every_mode) {
  const UniqueFd program = load_program(BPF_PROG_TYPE_XDP);
  for (const std::uint32_t mode : {XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE}) {
    check_undone([&](Site& inside, netlend::IfIndex ifindex) {
      set_xdp(inside, ifindex, program.get(), mode);
    });
    BOOST_TEST(!says(sh("ip link show dev lan0"), "xdp"));
  }
}

BOOST_AUTO_TEST_CASE(programs_that_the_borrowers_links_hold_are_taken_off) {
  const UniqueFd xdp = load_program(BPF_PROG_TYPE_XDP);
  const UniqueFd tcx = load_program(BPF_PROG_TYPE_SCHED_CLS);
  UniqueFd xdp_link;
  UniqueFd tcx_link;
  check_undone([&](Site& inside, netlend::IfIndex ifindex) {
    netlend::run_in_netns(inside.netns, [&] {
      xdp_link = hold(xdp.get(), ifindex, BPF_XDP);
      tcx_link = hold(tcx.get(), ifindex, kTcxIngress);
    });
  });
  BOOST_TEST(!says(sh("ip link show dev lan0"), "xdp"));
}

BOOST_AUTO_TEST_CASE(of_links_alike_on_devices_of_one_index_none_is_taken_off) {
  const UniqueFd program = load_program(BPF_PROG_TYPE_XDP);
  netlend::test::Sleeper other;
  other.sh("ip link add x0 index 77 type veth peer name x1");
  sh("ip link add lan7 index 77 type veth peer name lan8");
  Site elsewhere{Netns::of_process(other.pid())};
  UniqueFd innocent;
  UniqueFd guilty;
  netlend::run_in_netns(elsewhere.netns, [&] { innocent = hold(program.get(), {77}, BPF_XDP); });
  lend(context(), plan("eth0=lan7"), borrower());
  Site inside{Netns::of_process(container.pid())};
  const auto ifindex = find_link(inside.socket, std::string("eth0"))->ifindex;
  netlend::run_in_netns(inside.netns, [&] { guilty = hold(program.get(), ifindex, BPF_XDP); });
  const std::string said = joined(give_all_back());
  BOOST_TEST(says(said, "it can't be told which is on this one; end the process that holds it"),
             said);
  BOOST_TEST(says(said, "'lan7' is home, but XDP program in driver mode is"), said);
  BOOST_TEST(says(other.sh("ip link show dev x0"), "xdp"));
  guilty.reset();
  BOOST_TEST(joined(give_all_back()) == "");
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(programs_that_home_had_are_there_again) {
  const UniqueFd program = load_program(BPF_PROG_TYPE_XDP);
  const UniqueFd other = load_program(BPF_PROG_TYPE_XDP);
  const UniqueFd tcx = load_program(BPF_PROG_TYPE_SCHED_CLS);
  Site here = home();
  set_xdp(here, lan0(), program.get(), XDP_FLAGS_SKB_MODE);
  const UniqueFd tcx_link = hold(tcx.get(), lan0(), kTcxIngress);
  BOOST_TEST(says(joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored),
                  ", which stays on the device and runs inside, too"));
  check_undone([&](Site&, netlend::IfIndex) {});
  check_undone([&](Site& inside, netlend::IfIndex ifindex) {
    set_xdp(inside, ifindex, -1, XDP_FLAGS_SKB_MODE);
    set_xdp(inside, ifindex, other.get(), XDP_FLAGS_DRV_MODE);
  });
}

BOOST_AUTO_TEST_CASE(a_program_that_the_borrower_takes_off_is_given_up_once) {
  UniqueFd program = load_program(BPF_PROG_TYPE_XDP);
  Site here = home();
  set_xdp(here, lan0(), program.get(), XDP_FLAGS_SKB_MODE);
  program.reset();
  lend(context(), plan("eth0=lan0"), borrower());
  Site inside{Netns::of_process(container.pid())};
  set_xdp(inside, find_link(inside.socket, std::string("eth0"))->ifindex, -1, XDP_FLAGS_SKB_MODE);
  const std::string said = joined(give_all_back());
  BOOST_TEST(says(said, "device 'lan0' is home, but XDP program "), said);
  BOOST_TEST(says(said, "isn't loaded any more; attach it again"), said);
  check_state_is_empty();
  // What root does about it is not undone.
  program = load_program(BPF_PROG_TYPE_XDP);
  set_xdp(here, lan0(), program.get(), XDP_FLAGS_SKB_MODE);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(says(sh("ip link show dev lan0"), "xdp"));
}

BOOST_AUTO_TEST_CASE(a_link_that_was_detached_is_given_up_once) {
  const UniqueFd tcx = load_program(BPF_PROG_TYPE_SCHED_CLS);
  UniqueFd link = hold(tcx.get(), lan0(), kTcxIngress);
  lend(context(), plan("eth0=lan0"), borrower());
  link.reset();
  const std::string said = joined(give_all_back());
  BOOST_TEST(says(said, "was detached while it was away"), said);
  check_state_is_empty();
}

BOOST_AUTO_TEST_CASE(a_lender_is_given_what_keeps_programs_alive) {
  UniqueFd xdp = load_program(BPF_PROG_TYPE_XDP);
  Site here = home();
  set_xdp(here, lan0(), xdp.get(), XDP_FLAGS_DRV_MODE);
  xdp.reset();
  const std::string before = sh("ip -d -j link show dev lan0");
  std::vector<UniqueFd> held;
  lend(context(), plan("eth0=lan0"), borrower(),
       {.keep_open = [&](UniqueFd fd) { held.push_back(std::move(fd)); }});
  BOOST_TEST(held.size() == 1U);
  Site inside{Netns::of_process(container.pid())};
  set_xdp(inside, find_link(inside.socket, std::string("eth0"))->ifindex, -1, XDP_FLAGS_DRV_MODE);
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(sh("ip -d -j link show dev lan0") == before);
}

// ---- traffic control ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_the_borrower_queued_and_filtered_is_gone) {
  check_undone(
      "tc qdisc replace dev eth0 root handle 1: htb default 10;"
      "tc class add dev eth0 parent 1: classid 1:10 htb rate 1mbit; tc qdisc add dev eth0 clsact;"
      "tc filter add dev eth0 ingress protocol ip u32 match ip dst 192.0.2.1 classid 1:10");
}

BOOST_AUTO_TEST_CASE(a_tree_of_classes_comes_back) {
  sh("tc qdisc del dev lan0 root; tc qdisc add dev lan0 root handle 1: htb default 30 r2q 5;"
     "tc class add dev lan0 parent 1: classid 1:1 htb rate 100mbit burst 15k;"
     "tc class add dev lan0 parent 1:1 classid 1:f0 htb rate 50mbit ceil 100mbit prio 2;"
     "tc class add dev lan0 parent 1:1 classid 1:30 htb rate 30mbit ceil 60mbit quantum 3000;"
     "tc qdisc add dev lan0 parent 1:f0 handle 20: pfifo limit 77;"
     "tc qdisc add dev lan0 parent 1:30 handle 2: htb default 9;"
     "tc class add dev lan0 parent 2: classid 2:9 htb rate 10mbit;"
     "tc filter add dev lan0 parent 1: protocol ip prio 5 u32 match ip dst 192.0.2.0/24 match ip "
     "protocol 6 0xff flowid 1:f0;"
     "tc filter add dev lan0 parent 1: protocol ip prio 9 u32 match ip src 192.0.2.9 flowid 1:30");
  const std::string show =
      "tc qdisc show dev lan0 | sed s/direct_packets_stat.[0-9]*//; tc class show dev lan0 | sort; "
      "tc filter show dev lan0";
  const std::string before = sh(show);
  const std::string told = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored);
  BOOST_TEST(says(told, "traffic class htb 1:f0 parent 1:1"), told);
  check_undone("true");
  BOOST_TEST(sh(show) == before);
}

BOOST_AUTO_TEST_CASE(queues_below_mq_come_back) {
  sh("ip link add many0 numtxqueues 3 type veth peer name many1; ip link set many0 up;"
     "tc qdisc replace dev many0 root handle 1: mq;"
     "tc qdisc replace dev many0 parent 1:2 handle 2: tbf rate 5mbit burst 10k latency 50ms");
  const auto before = snapshot("many0");
  BOOST_TEST(before.settings->traffic.qdiscs.size() == 1U);
  lend(context(), plan("eth0=many0"), borrower());
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(joined(differences(before, snapshot("many0"))) == "");
}

BOOST_AUTO_TEST_CASE(filters_at_clsact_come_back) {
  sh("ip link add mirror0 type veth peer name mirror1; tc qdisc add dev lan0 clsact;"
     "tc filter add dev lan0 ingress protocol ip prio 1 u32 match ip dst 192.0.2.1 action mirred "
     "egress redirect dev mirror0;"
     "tc filter add dev lan0 egress protocol all prio 7 bpf bytecode '1,6 0 0 1' classid 1:2");
  const std::string show = "tc filter show dev lan0 ingress; tc filter show dev lan0 egress";
  const std::string before = sh(show + "; tc qdisc show dev lan0");
  check_undone("tc qdisc add dev eth0 ingress");
  BOOST_TEST(sh(show + "; tc qdisc show dev lan0") == before);
}

BOOST_AUTO_TEST_CASE(tables_that_both_sides_and_chains_share_come_back) {
  sh("tc qdisc add dev lan0 clsact;"
     "tc filter add dev lan0 ingress protocol ip prio 1 u32 match ip dst 192.0.2.1 classid 1:1;"
     "tc filter add dev lan0 ingress chain 3 protocol ip prio 2 u32 match ip dst 192.0.2.2 classid "
     "1:2;"
     "tc filter add dev lan0 egress protocol ip prio 3 u32 match ip dst 192.0.2.3 classid 1:3");
  const std::string show = "tc filter show dev lan0 ingress; tc filter show dev lan0 egress";
  const std::string before = sh(show);
  BOOST_TEST(says(before, "fh 802::800"), before);
  check_undone("true");
  BOOST_TEST(sh(show) == before);
}

BOOST_AUTO_TEST_CASE(chains_that_were_made_by_hand_come_back) {
  sh("tc qdisc add dev lan0 clsact; tc chain add dev lan0 ingress chain 5;"
     "tc chain add dev lan0 egress chain 0; tc chain add dev lan0 egress chain 6;"
     "tc filter add dev lan0 egress chain 7 protocol ip prio 2 u32 match ip dst 192.0.2.2 classid "
     "1:2;"
     "tc qdisc replace dev lan0 root handle 1: htb; tc chain add dev lan0 parent 1: chain 8;"
     "tc class add dev lan0 parent 1: classid 1:1 htb rate 1mbit;"
     "tc chain add dev lan0 parent 1:1 chain 9");
  const std::string show =
      "for at in ingress egress 'parent 1:' 'parent 1:1'; do tc chain show dev lan0 $at; done";
  const std::string before = sh(show);
  BOOST_TEST(says(before, "chain parent ffff: chain 5"), before);
  const std::string told = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).restored);
  BOOST_TEST(says(told, "filter chain 5 parent ffff:fff2"), told);
  check_undone("tc qdisc add dev eth0 clsact; tc chain add dev eth0 egress chain 3");
  BOOST_TEST(sh(show) == before);
}

BOOST_AUTO_TEST_CASE(a_chain_that_home_has_more_or_less_is_told_by_its_name) {
  sh("tc qdisc add dev lan0 clsact; tc chain add dev lan0 ingress chain 5");
  const auto before = snapshot("lan0");
  sh("tc chain del dev lan0 ingress chain 5; tc chain add dev lan0 egress chain 6");
  const std::string found = joined(differences(before, snapshot("lan0")));
  BOOST_TEST(says(found, "filter chain '5 parent ffff:fff2' is missing"), found);
  BOOST_TEST(says(found, "filter chain '6 parent ffff:fff3' was not there at home"), found);
}

BOOST_AUTO_TEST_CASE(tables_of_one_priority_on_both_sides_are_not_told_apart) {
  sh("tc qdisc add dev lan0 clsact;"
     "tc filter add dev lan0 ingress protocol ip prio 1 u32 match ip dst 192.0.2.1 classid 1:1;"
     "tc filter add dev lan0 egress protocol ip prio 1 u32 match ip dst 192.0.2.2 classid 1:2");
  const std::string lost = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).lost);
  BOOST_TEST(says(lost, "pref 1' (others of its priority are on the other side"), lost);
}

BOOST_AUTO_TEST_CASE(a_filter_that_cannot_be_written_again_is_lost_only_by_force) {
  sh("tc qdisc add dev lan0 clsact;"
     "tc filter add dev lan0 ingress protocol ip prio 1 handle 1: u32 divisor 16");
  const auto wanted = plan("eth0=lan0");
  const std::string lost = joined(preview(context(), wanted, nullptr).at(0).lost);
  BOOST_TEST(says(lost, "traffic filter 'u32 1: parent ffff:fff2 protocol 0x0800 pref 1' ("), lost);
  BOOST_TEST(says(error_of([&] { lend(context(), wanted, borrower()); }), lost));
  lend(context(), wanted, borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(says(sh("tc qdisc show dev lan0"), "clsact"));
}

BOOST_AUTO_TEST_CASE(a_filter_is_called_what_tc_calls_it_and_its_table_is_no_other) {
  sh("tc qdisc add dev lan0 clsact;"
     "tc filter add dev lan0 ingress protocol ip prio 12 handle ::5 u32 match ip dst 192.0.2.1 "
     "classid 1:10;"
     "tc filter add dev lan0 ingress protocol ip prio 9 handle 5: u32 divisor 16");
  const std::string lost = joined(preview(context(), plan("eth0=lan0"), nullptr).at(0).lost);
  BOOST_TEST(says(lost, "traffic filter 'u32 5: parent ffff:fff2 protocol 0x0800 pref 9'"), lost);
  BOOST_TEST(says(lost,
                  "traffic filter 'u32 800::5 parent ffff:fff2 protocol 0x0800 pref 12' (its table "
                  "would get another number"),
             lost);
}

// ---- who listens --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_packet_socket_that_listens_on_it_loses_it_only_by_force) {
  const UniqueFd listener{
      netlend::check(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), "open", "a packet socket")};
  packet_mreq membership{};
  membership.mr_ifindex = lan0().value;
  membership.mr_type = PACKET_MR_PROMISC;
  netlend::check(::setsockopt(listener.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership,
                              sizeof membership),
                 "listen on", "lan0");
  const auto wanted = plan("eth0=lan0");
  BOOST_TEST(says(error_of([&] { lend(context(), wanted, borrower()); }),
                  "1 packet socket that listens on it"));
  lend(context(), wanted, borrower(), {.force = netlend::Force::yes});
  BOOST_TEST(joined(give_all_back()) == "");
  BOOST_TEST(joined(preview(context(), wanted, nullptr).at(0).refusals) == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(plan_tells_of_a_packet_socket_that_is_bound_to_it) {
  const UniqueFd client{netlend::check(
      ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP)), "open", "a packet socket")};
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(ETH_P_IP);
  place.sll_ifindex = lan0().value;
  netlend::check(::bind(client.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place),
                 "bind to", "lan0");
  const auto report = preview(context(), plan("eth0=lan0"), nullptr).at(0);
  BOOST_TEST(says(joined(report.changes), "1 packet socket bound to it (DHCP, LLDP and the like)"));
  BOOST_TEST(joined(report.refusals) == "");
}

BOOST_AUTO_TEST_SUITE_END()
