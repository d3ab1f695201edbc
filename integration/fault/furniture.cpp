#include "fault/furniture.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "base/syscall.hpp"
#include "support/lab.hpp"

namespace netlend::test {

// What ends by itself does so long after the test. Traffic control knows here what a small kernel
// has: htb, u32 and mirred.
const char* const kFurniture = R"sh(
  set -e
  echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
  ip link add out0 type veth peer name out1
  ip link set out0 up
  ip link set out1 up
  ip link add full0 numtxqueues 2 numrxqueues 2 type veth peer name full1
  ethtool -L full0 rx 2 tx 2
  ethtool -K full0 tso off
  ip link set full0 txqueuelen 300
  echo 1 > /proc/sys/net/ipv4/conf/full0/proxy_arp
  echo 100 > /proc/sys/net/ipv4/neigh/full0/unres_qlen
  echo 3 > /proc/sys/net/ipv6/conf/full0/dad_transmits
  ip link set full1 up
  ip link set full0 up
  ip addr add 10.89.0.1/24 dev full0
  ip addr add 2001:db8:89::1/64 dev full0 nodad
  ip token set ::5 dev full0
  ip route add 198.18.0.0/24 dev out0 src 10.89.0.1
  ip -4 rule add iif full0 pref 100 lookup 300
  ip -4 rule add oif full0 fwmark 5 pref 101 lookup 301
  ip -6 rule add iif full0 pref 100 lookup 300
  ip neigh add 10.89.0.50 lladdr 02:00:00:00:00:50 dev full0 nud permanent
  ip neigh add 10.89.0.51 lladdr 02:00:00:00:00:51 dev full0 nud noarp
  ip neigh add 10.89.0.52 lladdr 02:00:00:00:00:52 dev full0 nud reachable extern_learn
  ip neigh add proxy 10.89.0.60 dev full0
  ip -6 neigh add 2001:db8:89::50 lladdr 02:00:00:00:00:50 dev full0 nud permanent
  ip -6 neigh add proxy 2001:db8:89::60 dev full0
  tc qdisc add dev full0 root handle 1: htb default 10
  tc class add dev full0 parent 1: classid 1:1 htb rate 100mbit quantum 9000
  tc class add dev full0 parent 1:1 classid 1:10 htb rate 10mbit
  tc qdisc add dev full0 parent 1:10 handle 10: pfifo limit 33
  tc filter add dev full0 parent 1: protocol ip prio 5 u32 match ip dst 10.89.0.77/32 flowid 1:10
  tc qdisc add dev full0 clsact
  tc chain add dev full0 ingress chain 5
  tc filter add dev full0 ingress protocol ip prio 6 u32 match ip src 10.89.0.78/32 \
    action mirred egress mirror dev out0
  tc qdisc add dev out0 clsact
  tc filter add dev out0 ingress protocol ip prio 7 u32 match ip src 10.89.0.80/32 \
    action mirred egress redirect dev full0
  nft 'table netdev full {
         chain in {
           type filter hook ingress device "full0" priority 0;
           ip saddr 10.89.0.66 counter drop
           ip saddr 10.89.0.67 counter accept
         }
       }
       table inet full {
         chain in {
           type filter hook ingress device "full0" priority 0;
           ip saddr 10.89.0.68 counter drop
         }
       }'
  mkdir -p /run/sysfs
  mount -t sysfs sysfs /run/sysfs
  cd /run/sysfs/class/net/full0
  for file in queues/*/[rx]ps_cpus; do test ! -e $file || echo 1 > $file; done
  test ! -e queues/rx-1/rps_flow_cnt || echo 256 > queues/rx-1/rps_flow_cnt
  echo 30000 > gro_flush_timeout
  echo 2 > napi_defer_hard_irqs

  ip link add br0 type bridge ageing_time 3600000 mcast_membership_interval 3600000
  ip link set br0 up
  ethtool -s tap0 speed 100 duplex half msglvl 5
  ethtool -C tap0 rx-frames 8
  ip link set tap0 master br0 up
  bridge link set dev tap0 cost 77 priority 9 hairpin on guard on root_block on fastleave on \
    learning off flood off mcast_flood off mcast_to_unicast on bcast_flood off isolated on \
    neigh_suppress on mcast_router 2
  bridge fdb add 02:00:00:00:00:01 dev tap0 master static
  bridge fdb add 02:00:00:00:00:02 dev tap0 master static sticky
  bridge fdb add 02:00:00:00:00:03 dev tap0 master permanent
  bridge fdb add 02:00:00:00:00:04 dev tap0 self
  until bridge fdb add 02:00:00:00:00:05 dev tap0 master dynamic 2>/dev/null; do :; done
  bridge mdb add dev br0 port tap0 grp 239.1.1.1 permanent
  bridge mdb add dev br0 port tap0 grp 239.1.1.2 src 192.0.2.9 permanent
  bridge mdb add dev br0 port tap0 grp ff15::1 permanent
  until bridge mdb add dev br0 port tap0 grp 239.1.1.3 temp 2>/dev/null; do :; done
  ip maddr add 01:00:5e:00:00:77 dev tap0
)sh";

// What else they have, a move takes.
const char* const kUse = R"sh(
  set -e
  ip link set eth0 txqueuelen 5 alias mine mode dormant allmulticast on
  ethtool -K eth0 tso on gso off
  ethtool -L eth0 rx 1 tx 1
  ethtool -s eth1 speed 2500 duplex full msglvl 10
  ethtool -C eth1 rx-frames 3
  unshare -m sh -ec "
    mount -t sysfs sysfs /sys
    cd /sys/class/net/eth0
    test ! -e queues/rx-0/rps_cpus || echo 0 > queues/rx-0/rps_cpus
    echo 7 > gro_flush_timeout
    echo 9 > napi_defer_hard_irqs"
)sh";

// Of a neighbour the kernel says how sure it is, of multicast what it has heard and joined itself,
// of an action whether somebody has listed it, and one that a filter brings along has another
// number each time: that is left out.
const char* const kPictureOfFurniture = R"sh(
  {
    ip -batch - <<'    end'
      rule
      token show dev full0
      neigh show dev full0 nud all
      maddr show dev tap0
    end
    ip -6 rule
    bridge -d -batch - <<'    end'
      link show dev tap0
      fdb show brport tap0
      mdb show dev br0
    end
  } | sed -E 's/ (REACHABLE|STALE)//; /inet|users|33:33:|proto kernel|port br0/d' |
    sort
  {
    tc -batch - <<'    end'
      class show dev full0
      filter show dev full0
      filter show dev full0 ingress
      chain show dev full0 ingress
      filter show dev out0 ingress
    end
    nft -s list ruleset
    ethtool -k full0
    ethtool -l full0
    ethtool tap0
    ethtool -c tap0
    cd /run/sysfs/class/net/full0
    grep . queues/*/rps_* queues/*/xps_cpus gro_flush_timeout napi_defer_hard_irqs
  } | sed 's/index [0-9]* ref/index ref/; /used_hw_stats/d'
)sh";

UniqueFd open_tap(std::string_view name) {
  sh("test -c /dev/net/tun || { mkdir -p /dev/net; mknod /dev/net/tun c 10 200; }");
  UniqueFd tap{check(::open("/dev/net/tun", O_RDWR | O_CLOEXEC), "open", "/dev/net/tun")};
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  check(::ioctl(tap.get(), TUNSETIFF, &request), "make tap", name);
  return tap;
}

}  // namespace netlend::test
