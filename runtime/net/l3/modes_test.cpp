#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "base/syscall.hpp"
#include "net/kernel/frame_rules.hpp"
#include "net/kernel/l3_namespace.hpp"
#include "net/kernel/new_link.hpp"
#include "net/kernel/site.hpp"
#include "net/l3/lan_fixture.hpp"
#include "net/l3/socket_fixture.hpp"
#include "net/ledger/ledger.hpp"

using netlend::FrameChain;
using netlend::knows_link_kind;
using netlend::Site;
using netlend::test::error_of;
using netlend::test::is_killed_when;
using netlend::test::Lan;
using netlend::test::output_of;
using netlend::test::reaches;
using netlend::test::says;
using netlend::test::sh;
using netlend::test::Sleeper;
using netlend::test::succeeds;

namespace {
bool has_kind(const std::string& kind) {
  Site here{netlend::Netns::current()};
  return knows_link_kind(here.socket, kind);
}

struct ModesLan : Lan {
  /// The mode that addresses are lent in then.
  std::string mode_of_loan(const std::string& spec) {
    const auto ledger = netlend::load_ledger(state(), lend_to_c1(spec));
    BOOST_TEST_REQUIRE(ledger.has_value());
    return ledger->address_loans.front().mode;
  }
};

/// Whose answers come to a broadcast on the LAN.
std::string answers_to_broadcast(const Sleeper& from) {
  return output_of(from, "ping -b -c 3 -i 0.2 -W 1 10.9.0.255");
}

/// To this process, from now on: an endless EPROTONOSUPPORT, as socket(2) says it.
void refuse_nftables() {
  constexpr std::uint32_t kFirstArgument = offsetof(seccomp_data, args);
  constexpr std::uint32_t kThirdArgument = kFirstArgument + 2 * sizeof(std::uint64_t);
  std::array<sock_filter, 8> program{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                                      {BPF_JMP | BPF_JEQ | BPF_K, 0, 5, __NR_socket},
                                      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kFirstArgument},
                                      {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, AF_NETLINK},
                                      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kThirdArgument},
                                      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, NETLINK_NETFILTER},
                                      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPROTONOSUPPORT},
                                      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  netlend::check(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), "refuse", "nftables");
}

std::string multicasts_received(const Sleeper& who) {
  return who.sh("sed -n \"s/^Ip6InMcastPkts[[:space:]]*//p\" /proc/net/snmp6");
}
}  // namespace

BOOST_FIXTURE_TEST_SUITE(modes, ModesLan)

BOOST_AUTO_TEST_CASE(a_kind_is_asked_for_and_nothing_is_made) {
  const std::string before = sh("ip -br link");
  BOOST_TEST(has_kind("veth"));
  BOOST_TEST(!has_kind("no-such-kind"));
  BOOST_TEST(sh("ip -br link") == before);
}

// The number of NS_NET_L3_CREATE (kernel/patches/6.12) is nobody else's here.
BOOST_AUTO_TEST_CASE(a_kernel_without_l3_namespaces_answers_enotty) {
  const auto home = netlend::Netns::current();
  BOOST_TEST(::ioctl(home.fd(), _IO(NSIO, 0x60), 1UL << 31) == -1);
  BOOST_TEST(errno == ENOTTY);
  BOOST_TEST(!netlend::has_l3_namespaces());
}

BOOST_AUTO_TEST_CASE(a_mode_that_cannot_be_used_is_refused_with_its_reason) {
  BOOST_TEST(says(error_of([&] { lend_to_c1("10.9.0.11 mode=kernel"); }),
                  "address '10.9.0.11' is not lent in mode 'kernel': this kernel has no L3 network "
                  "namespaces; kernel/README.md"));
  BOOST_TEST(says(error_of([&] { lend_to_c1("10.9.0.11 mode=auto loopback=shared"); }),
                  "in mode 'kernel': this kernel has no L3 network namespaces"));
  for (const std::string kind : {"netkit", "ipvlan", "macvlan"}) {
    if (has_kind(kind)) continue;
    BOOST_TEST(says(error_of([&] { lend_to_c1("10.9.0.11 mode=" + kind); }),
                    "': this kernel has no devices of kind '" + kind));
  }
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(what_takes_all_that_a_device_receives_is_in_the_way_of_macvlan) {
  sh("ip link add br0 type bridge; ip link set up0 master br0");
  BOOST_TEST(error_of([&] { lend_to_c1("10.9.0.11 mode=macvlan"); }) ==
             "address '10.9.0.11' is not lent in mode 'macvlan': its device 'up0' is a port of "
             "another, which takes all that it receives");
}

BOOST_AUTO_TEST_CASE(addresses_of_one_device_are_not_lent_by_macvlan_and_by_ipvlan) {
  const std::string why = has_kind("ipvlan")
                              ? "another address of 'up0' is lent in mode 'macvlan', and a device "
                                "takes one kind"
                              : "this kernel has no devices of kind 'ipvlan'";
  lend_to_c1("10.9.0.11 mode=macvlan");
  BOOST_TEST(error_of([&] { lend_to_c2("10.9.0.12 mode=ipvlan"); }) ==
             "address '10.9.0.12' is not lent in mode 'ipvlan': " + why);
  lend_to_c2("10.9.0.12 mode=routed");
  for (const std::string address : {"10.9.0.11", "10.9.0.12"}) {
    BOOST_TEST(reaches(neighbour, address), address);
  }
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(auto_takes_the_first_mode_that_can) {
  BOOST_TEST(mode_of_loan("10.9.0.11 mode=auto") == "routed");
  BOOST_TEST(give_all_back() == "");
  sh("nft add table ip t; nft add chain ip t f \"{ type filter hook forward priority 0; policy "
     "drop; }\"");
  if (has_kind("ipvlan")) {
    BOOST_TEST(mode_of_loan("10.9.0.11 mode=auto") == "ipvlan");
    BOOST_TEST(reaches(neighbour, "10.9.0.11"));
    BOOST_TEST(give_all_back() == "");
  } else {
    BOOST_TEST(
        says(error_of([&] { lend_to_c1("10.9.0.11 mode=auto"); }), "drops what is forwarded"));
  }
  sh("nft delete table ip t");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(several_addresses_are_lent_by_one_device) {
  lend_to_c1("10.9.0.11 10.9.0.12 fd09::11");
  for (const std::string address : {"10.9.0.11", "10.9.0.12", "fd09::11"}) {
    BOOST_TEST(reaches(neighbour, address), address);
    BOOST_TEST(succeeds("ping -c 1 -W 2 " + address), address);
  }
  BOOST_TEST(c1.sh("ip -o addr show dev " + device_inside() + " | wc -l") == "3");
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(the_source_is_ones_own_address) {
  lend_to_c1("10.9.0.11 fd09::11");
  for (const std::string to : {"10.9.0.100", "10.9.0.1"}) {
    BOOST_TEST(says(c1.sh("ip route get " + to), "src 10.9.0.11"), to);
  }
  for (const std::string to : {"fd09::100", "fd09::1"}) {
    BOOST_TEST(says(c1.sh("ip route get " + to), "src fd09::11"), to);
  }
}

BOOST_AUTO_TEST_CASE(broadcasts_of_the_lan_reach_who_asked_for_them) {
  lend_to_c1("10.9.0.11 fd09::11 broadcast=yes");
  lend_to_c2("10.9.0.12 fd09::12");
  for (const auto* borrower : {&c1, &c2}) {
    borrower->sh("echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts");
  }
  const std::string answers = answers_to_broadcast(neighbour);
  BOOST_TEST(says(answers, "from 10.9.0.11"), answers);
  // Who is on the LAN hears it anyway.
  BOOST_TEST(says(answers, "from 10.9.0.12") == (mode() == "macvlan"), answers);
  const std::string before = multicasts_received(c1);
  output_of(neighbour, "ping -c 3 -i 0.2 -W 1 ff02::1%l0");
  BOOST_TEST(multicasts_received(c1) != before);
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(copies_of_broadcasts_end_with_the_borrower_and_reap_removes_the_rule) {
  Sleeper borrower = new_borrower();
  lend(context(), plan("10.9.0.11 broadcast=yes"), borrower_of(borrower, "dying"));
  borrower.kill();
  while (succeeds("ip link show | grep nl-")) {
  }
  BOOST_TEST(reaches(neighbour, "10.9.0.11"));
  BOOST_TEST(reap(context(), netlend::ReapScope::dead).empty());
  check_home_as_it_was();
}

// As in a kernel without CONFIG_NETFILTER_NETLINK: there is no such protocol.
BOOST_AUTO_TEST_CASE(where_nftables_cannot_copy_broadcasts_traffic_control_does) {
  const auto lend_without_nftables = [&](const std::string& spec, const Sleeper& to,
                                         const std::string& name) {
    is_killed_when([](auto) { return false; },
                   [&](const auto&) {
                     refuse_nftables();
                     lend(context(), plan(spec), borrower_of(to, name));
                   });
  };
  lend_without_nftables("10.9.0.11 fd09::11 broadcast=yes", c1, "c1");
  lend_without_nftables("10.9.0.12 broadcast=yes", c2, "c2");
  const std::string filters = sh("tc filter show dev up0 ingress; nft list tables");
  BOOST_TEST(says(filters, "mirred (Egress Mirror to device nl-"), filters);
  BOOST_TEST(!says(filters, "table"), filters);
  for (const auto* borrower : {&c1, &c2}) {
    borrower->sh("echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts");
  }
  const std::string answers = answers_to_broadcast(neighbour);
  BOOST_TEST(says(answers, "from 10.9.0.11"), answers);
  BOOST_TEST(says(answers, "from 10.9.0.12"), answers);
  const std::string before = multicasts_received(c1);
  output_of(neighbour, "ping -c 3 -i 0.2 -W 1 ff02::1%l0");
  BOOST_TEST(multicasts_received(c1) != before);
  const std::string solicited = multicasts_received(c1);
  neighbour.sh("ip -6 neigh flush all");
  BOOST_TEST(reaches(neighbour, "fd09::1"));
  BOOST_TEST(multicasts_received(c1) == solicited);

  BOOST_TEST(
      give_back(context(), netlend::ledgers_of(state(), borrower_of(c1, "c1").id).at(0)).empty());
  BOOST_TEST(says(answers_to_broadcast(neighbour), "from 10.9.0.12"));
  BOOST_TEST(give_all_back() == "");
  check_home_as_it_was();
}

BOOST_AUTO_TEST_CASE(filters_that_home_hung_up_meanwhile_stay) {
  is_killed_when([](auto) { return false; },
                 [&](const auto&) {
                   refuse_nftables();
                   lend_to_c1("10.9.0.11 broadcast=yes mode=routed");
                 });
  sh("tc filter add dev up0 egress prio 7 protocol ip u32 match u32 0 0 classid 1:1");
  BOOST_TEST(give_all_back() == "");
  BOOST_TEST(says(sh("tc filter show dev up0 egress"), "pref 7 u32"));
  BOOST_TEST(sh("tc filter show dev up0 ingress") == "");
}

BOOST_AUTO_TEST_CASE(rules_for_frames_are_tried_without_being_made) {
  const Site here{netlend::Netns::current()};
  const FrameChain chain{.table = "tried", .device = "up0", .rules = {}};
  BOOST_TEST(!netlend::why_no_frame_chain(here.netns, chain).has_value());
  BOOST_TEST(sh("nft list tables") == "");
}

BOOST_AUTO_TEST_SUITE_END()
