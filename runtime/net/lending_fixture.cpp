#include "net/lending_fixture.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/syscall.hpp"
#include "net/snapshot/differences.hpp"

namespace netlend::test {

namespace {
// Duplicate address detection takes seconds: off while the lab is built, on for what is tested.
const char* const kHome = R"(
  echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
  ip link set lo up
  ip link add lan0 type veth peer name peer0
  ip link set lan0 mtu 1400 txqueuelen 777 alias "the LAN port" group 42
  ip link property add dev lan0 altname lan-left
  ip link property add dev lan0 altname lan-right
  echo 1 > /proc/sys/net/ipv4/conf/lan0/proxy_arp
  echo 3 > /proc/sys/net/ipv6/conf/lan0/dad_transmits
  echo 100 > /proc/sys/net/ipv4/neigh/lan0/unres_qlen
  ip addr add 10.77.0.1/24 brd + dev lan0 label lan0:main
  ip addr add 10.77.0.3/24 dev lan0
  ip addr add 10.77.1.1/32 peer 10.77.1.2 dev lan0 metric 99
  ip addr add 10.77.2.1/24 dev lan0 valid_lft 300000 preferred_lft 150000 noprefixroute
  ip link set lan0 up
)";
const char* const kHomeAfterNeighbour = R"(
  ip addr add 2001:db8:77::1/64 dev lan0 nodad
  ip addr add 2001:db8:77::2/64 dev lan0 nodad preferred_lft 0
  ip addr add 2001:db8:77::3/64 dev lan0 nodad valid_lft 300000 preferred_lft 150000
  ip route add 192.0.2.0/24 via 10.77.0.9 src 10.77.0.3 metric 50
  ip route add 192.0.2.0/24 via 10.77.0.9 dev lan0 table 300 mtu 1300
  ip route add unicast 198.51.100.0/24 dev lan0 scope link proto static
  ip -6 route add 2001:db8:99::/64 via 2001:db8:77::9 metric 7
  ip neigh add 10.77.0.50 lladdr 02:00:00:00:00:50 dev lan0 nud permanent
  ip neigh add proxy 10.77.0.60 dev lan0
  ip -6 neigh add 2001:db8:77::50 lladdr 02:00:00:00:00:51 dev lan0 nud permanent
  echo 1 > /proc/sys/net/ipv6/conf/lan0/accept_dad
  echo 1 > /proc/sys/net/ipv6/conf/default/accept_dad
  tc qdisc add dev lan0 root handle 7: tbf rate 100mbit burst 64kbit latency 400ms
)";
}  // namespace

Lab::Lab() {
  // The sleepers' namespaces are made before, and apart from, the fresh one for home.
  enter_new_netns();
  sh(kHome);
  sh("ip link set peer0 netns " + std::to_string(neighbour.pid()));
  neighbour.sh(
      "echo 0 > /proc/sys/net/ipv6/conf/peer0/accept_dad; ip addr add 10.77.0.9/24 dev peer0; ip "
      "addr add 2001:db8:77::9/64 dev peer0 nodad;"
      "ip link set peer0 up");
  sh(kHomeAfterNeighbour);
  wait_for_dad();
  before_ = observe("lan0");
  before_snapshot_ = std::make_unique<DeviceSnapshot>(snapshot("lan0"));
}

DeviceSnapshot Lab::snapshot(const std::string& device) {
  Site home{Netns::current()};
  const auto link = find_link(home.socket, device);
  if (!link) throw Error("no device " + device);
  return take_snapshot(home, link->ifindex);
}

void Lab::check_home_as_it_was() {
  BOOST_REQUIRE_MESSAGE(succeeds("ip link show dev lan0"), "lan0 is not at home");
  BOOST_TEST(observe("lan0") == before_);
  const auto now = snapshot("lan0");
  BOOST_TEST(joined(differences(*before_snapshot_, now)) == "");
  BOOST_TEST(now.link.ifindex.value == before_snapshot_->link.ifindex.value);
  BOOST_TEST(joined(now.link.altnames) == joined(before_snapshot_->link.altnames));
}

UniqueFd load_program(bpf_prog_type type) {
  // XDP_PASS is 2, TCX_PASS is 0.
  const std::array<bpf_insn, 2> code{
      {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = type == BPF_PROG_TYPE_XDP ? 2 : 0},
       {.code = BPF_JMP | BPF_EXIT}}};
  bpf_attr attributes{};
  attributes.prog_type = type;
  attributes.insns = reinterpret_cast<std::uintptr_t>(code.data());
  attributes.insn_cnt = code.size();
  attributes.license = reinterpret_cast<std::uintptr_t>("GPL");
  return UniqueFd{static_cast<int>(check(
      ::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes), "load", "a program"))};
}

}  // namespace netlend::test
