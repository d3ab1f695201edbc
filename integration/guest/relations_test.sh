#!/bin/bash
# What hangs on a device: places in bonds, bridges with VLANs and VRFs, virtual functions, tunnels,
# MACsec, IPsec and flowtables. lan0 is a port of netdevsim, which is to the kernel a physical one.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"

cases=(
  a_member_of_a_bond_comes_back
  the_primary_of_a_bond_is_it_again
  a_bond_of_any_mode_takes_its_members_back
  a_bond_whose_only_member_was_lent_has_its_address_again
  a_bond_whose_members_were_all_lent_has_its_address_again
  a_member_of_a_vrf_comes_back
  the_vlans_of_a_bridge_port_come_back
  a_bridge_port_without_vlans_comes_back_without
  multicast_groups_of_a_bridge_port_come_back
  forwarding_entries_of_a_vlan_come_back
  settings_of_virtual_functions_come_back
  a_vlan_on_it_is_named_and_works_again
  an_ipvlan_on_it_is_named_and_works_again
  a_macsec_on_it_is_never_destroyed
  tunnels_that_send_through_it_are_named
  ipsec_that_it_does_is_named
  chains_and_flowtables_have_it_again
  a_chain_that_home_removed_is_told_from_one_that_lost_it
  what_another_redirects_to_it_arrives_again
  an_rdma_device_in_software_is_never_destroyed
  a_queue_that_cannot_be_set_as_it_is_told_is_named
)

make_machine() {
  make_private_run
  cd /run/test
}

make_lan0() { make_ports 2; }

# ---- what is expected ---------------------------------------------------------------------------

# lan0, and what a case adds by commands: a bridge has timers and a carrier of its own.
more_pictures=()
take_picture() {
  local command
  ip -d -j addr show dev lan0 | jq -S 'walk(if type == "object" then
    with_entries(select(.key | endswith("_timer") | not)) else . end)'
  for command in "-4 route" "-6 route"; do
    # shellcheck disable=SC2086 # two words
    ip $command show table all | sed --silent '/ dev lan0 /{s/ rt_trap//;p}'
  done
  ip neigh show nud permanent dev lan0
  sysctl --all --pattern '\.(conf|neigh)\.lan0\.' 2>/dev/null
  for command in "${more_pictures[@]}"; do
    echo "--- $command"
    bash -c "$command" | sed 's/ rt_trap//'
  done
}

# It fails where something is refused.
plan() { (netlend plan run --nic eth0=lan0 -- true || true) | tr -s ' \n' ' '; }

# comes_back COMMAND...: lan0 goes by hand and returns, and is put right when the borrower dies; what
# the commands print is the same after each.
comes_back() {
  more_pictures=("$@")
  take_picture >/run/test/before
  ip netns add blue
  netlend lend lan0 --to netns:blue 'name=eth0 addr=10.77.0.2/24'
  while_it_is_away
  netlend return lan0
  is_home
  netlend run --nic eth0=lan0 -- true
  is_home
}
# What a case does to the borrower, or to home.
while_it_is_away() { :; }

# is_lost_by_force WHAT: named by plan, refused, lent by force, and no surprise in the end.
is_lost_by_force() {
  local output
  expect "lost $1" "$(plan)"
  ip netns add blue
  output=$(fails netlend lend lan0 --to netns:blue name=eth0 2>&1)
  expect "this could not be given back as it is: $1" "$output"
  netlend lend lan0 --to netns:blue --force name=eth0
  output=$(netlend return lan0 2>&1)
  expect "not restored, as said beforehand: $1" "$output"
  has_no_trace
}

# ---- the cases ----------------------------------------------------------------------------------

slave_of() { ip -d -j link show lan0 | jq -c '.[].linkinfo.info_slave_data | del(.link_failure_count)'; }

a_member_of_a_bond_comes_back() {
  ip link add bond0 type bond mode active-backup miimon 100
  ip link set lan0 down
  ip link set lan0 master bond0
  ip link set lan1 down
  ip link set lan1 master bond0
  ip link set bond0 mtu 1400 up
  ip link set lan0 type bond_slave queue_id 3 prio 7
  while_it_is_away() {
    fails ip link show lan0
    ip -n blue link set eth0 address 02:00:00:00:00:99
  }
  comes_back 'ip -d -j link show lan0 | jq .[].linkinfo.info_slave_data.queue_id,.[].linkinfo.info_slave_data.prio,.[].linkinfo.info_slave_data.perm_hwaddr'
  expect '"queue_id":3' "$(slave_of)"
  # What the bond gives back is what the device had before it.
  own=$(ip -d -j link show lan0 | jq -r '.[].linkinfo.info_slave_data.perm_hwaddr')
  ip link set lan0 nomaster
  expect "$own" "$(ip link show lan0)"
}

the_primary_of_a_bond_is_it_again() {
  ip link add bond0 type bond mode active-backup miimon 100
  for port in lan1 lan0; do
    ip link set $port down
    ip link set $port master bond0
  done
  ip link set bond0 up
  ip link set bond0 type bond primary lan0
  comes_back 'ip -d -j link show bond0 | jq .[].linkinfo.info_data.primary'
  expect '"lan0"' "$(ip -d -j link show bond0 | jq '.[].linkinfo.info_data.primary')"
}

# make_bond OPTIONS MEMBER...
make_bond() {
  local port
  # shellcheck disable=SC2086 # words
  ip link add bond0 type bond miimon 100 $1
  shift
  for port in "$@"; do
    ip link set "$port" down
    ip link set "$port" master bond0
  done
  ip link set bond0 up
}

# What a bond watches by itself, the link of each member, takes its time.
picture_bonds() {
  take_picture() {
    ip -d -j link show | jq -S 'map({ifname, master, mtu, flags: (.flags - ["NO-CARRIER", "LOWER_UP"]), linkinfo: (.linkinfo |
      {info_kind, queue_id: .info_slave_data?.queue_id?, before: .info_slave_data?.perm_hwaddr?})})'
    ip -j link show | jq '[.[].address] | sort'
    ip -j link show bond0 | jq '.[].address'
    ip -j addr show lan0 | jq '.[].addr_info'
  }
}

# Which of its members' addresses each member of some has is their own affair.
a_bond_of_any_mode_takes_its_members_back() {
  local mode
  picture_bonds
  for mode in balance-rr balance-xor broadcast 802.3ad balance-tlb balance-alb \
    'active-backup fail_over_mac active' 'active-backup fail_over_mac follow'; do
    for port in lan0 lan1; do
      echo "--- $port of $mode"
      make_bond "mode $mode" lan0 lan1
      ip link set lan0 type bond_slave queue_id 3
      take_picture >/run/test/before
      netlend run --nic eth0=$port -- true
      is_home
      ip link del bond0
    done
  done
}

a_bond_whose_only_member_was_lent_has_its_address_again() {
  local mode
  picture_bonds
  for mode in active-backup balance-alb 802.3ad; do
    make_bond "mode $mode" lan0
    ip link set bond0 address 02:00:00:00:00:b0
    comes_back
    ip netns del blue
    ip link del bond0
  done
  # What home's administrator chooses meanwhile stays.
  make_bond 'mode active-backup' lan0
  while_it_is_away() { ip link set bond0 address 02:00:00:00:00:b1; }
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0
  while_it_is_away
  netlend return lan0
  for device in bond0 lan0; do expect 02:00:00:00:00:b1 "$(ip link show $device)"; done
  has_no_trace
}

a_bond_whose_members_were_all_lent_has_its_address_again() {
  local first second
  picture_bonds
  make_bond 'mode active-backup' lan0 lan1
  comes_back
  netlend run --nic eth0=lan1 --nic eth1=lan0 -- true
  is_home
  for first in lan0 lan1; do
    second=lan$((1 - ${first#lan}))
    netlend lend lan0 --to netns:blue name=eth0
    netlend lend lan1 --to netns:blue name=eth1
    netlend return $first
    netlend return $second
    is_home
  done
}

a_member_of_a_vrf_comes_back() {
  ip link add red type vrf table 10
  ip link set red up
  ip link set lan0 master red
  ip addr add 192.0.2.20/24 dev lan0
  ip route add 203.0.113.0/24 via 192.0.2.1 table 10
  comes_back 'ip rule' 'ip route show table 10'
  expect 'master red' "$(ip link show lan0)"
}

make_bridge() {
  ip link add br0 type bridge vlan_filtering 1 mcast_snooping 1
  ip link set br0 up
  ip link set lan0 master br0
}

the_vlans_of_a_bridge_port_come_back() {
  make_bridge
  bridge vlan del vid 1 dev lan0
  bridge vlan add vid 10 pvid untagged dev lan0
  bridge vlan add vid 20-30 dev lan0
  bridge vlan add vid 40 untagged dev lan0
  bridge vlan add vid 4000-4001 dev lan0
  bridge vlan set vid 4000 dev lan0 mcast_router 2
  expect 'VLAN 20-30 of its bridge port' "$(plan)"
  comes_back 'bridge -d vlan show dev lan0'
}

a_bridge_port_without_vlans_comes_back_without() {
  make_bridge
  bridge vlan del vid 1 dev lan0
  comes_back 'bridge -d vlan show'
}

multicast_groups_of_a_bridge_port_come_back() {
  make_bridge
  bridge vlan add vid 10 dev lan0
  bridge mdb add dev br0 port lan0 grp 239.1.1.1 permanent
  bridge mdb add dev br0 port lan0 grp 239.1.1.2 permanent vid 10
  bridge mdb add dev br0 port lan0 grp 239.1.1.3 src 192.0.2.7 permanent
  bridge mdb add dev br0 port lan0 grp ff05::77 permanent
  bridge mdb add dev br0 port lan0 grp 01:02:03:04:05:06 permanent
  expect 'multicast group 239.1.1.3 from 192.0.2.7' "$(plan)"
  comes_back 'bridge -d mdb show dev br0 | grep permanent | sort'
}

forwarding_entries_of_a_vlan_come_back() {
  make_bridge
  bridge vlan add vid 10 dev lan0
  bridge fdb add 02:00:00:00:00:01 dev lan0 master static vlan 10
  bridge fdb add 02:00:00:00:00:02 dev lan0 master static sticky vlan 10
  bridge fdb add 02:00:00:00:00:03 dev lan0 master permanent vlan 1
  expect 'forwarding entry 02:00:00:00:00:02 vlan 10 master static sticky' \
    "$(plan)"
  comes_back "bridge fdb show brport lan0 | grep '02:00:00:00:00:0' | sort"
}

settings_of_virtual_functions_come_back() {
  echo 2 >/sys/bus/netdevsim/devices/netdevsim7/sriov_numvfs
  ip link set lan0 vf 0 mac 02:00:00:00:0f:00
  ip link set lan0 vf 0 vlan 7 qos 3
  ip link set lan0 vf 1 max_tx_rate 200 min_tx_rate 100
  ip link set lan0 vf 1 spoofchk off
  ip link set lan0 vf 1 trust on
  ip link set lan0 vf 1 state disable
  expect 'settings of its virtual function 1' "$(plan)"
  while_it_is_away() {
    ip -n blue link set eth0 vf 0 mac 02:00:00:00:0f:99
    ip -n blue link set eth0 vf 0 vlan 0
    ip -n blue link set eth0 vf 1 max_tx_rate 0 min_tx_rate 0
    ip -n blue link set eth0 vf 1 spoofchk on
    ip -n blue link set eth0 vf 1 trust off
    ip -n blue link set eth0 vf 1 state auto
  }
  comes_back 'ip link show lan0'
}

a_vlan_on_it_is_named_and_works_again() {
  ip link add link lan0 name lan0.10 type vlan id 10
  is_lost_by_force "vlan 'lan0.10', which stands on it"
  ip link set lan0.10 up
  expect 'lan0.10@lan0' "$(ip link show lan0.10)"
  expect LOWER_UP "$(ip link show lan0.10)"
}

an_ipvlan_on_it_is_named_and_works_again() {
  ip link add link lan0 name iv0 type ipvlan mode l2
  is_lost_by_force "ipvlan 'iv0', which stands on it"
  ip link set iv0 up
  expect 'iv0@lan0' "$(ip link show iv0)"
}

a_macsec_on_it_is_never_destroyed() {
  local output
  ip link add link lan0 name ms0 type macsec encrypt on
  ip netns add blue
  output=$(fails netlend lend lan0 --to netns:blue --force name=eth0 2>&1)
  expect "macsec 'ms0' stands on it, and the kernel would destroy that as it moves; remove 'ms0' first" "$output"
  ip link show ms0
  # The kernel does so indeed.
  ip link set lan0 netns blue
  fails ip link show ms0
}

tunnels_that_send_through_it_are_named() {
  local kind plan
  ip link add t-ipip type ipip remote 192.0.2.1 dev lan0
  ip link add t-gre type gre remote 192.0.2.1 dev lan0
  ip link add t-sit type sit remote 192.0.2.1 dev lan0
  ip link add t-vti type vti remote 192.0.2.1 key 7 dev lan0
  ip link add t-ip6tnl type ip6tnl remote 2001:db8:1::1 dev lan0
  ip link add t-free type ipip remote 192.0.2.9
  plan=$(plan)
  for kind in ipip gre sit vti ip6tnl; do
    expect "$kind 't-$kind', which sends through it" "$plan"
  done
  fails grep t-free <<<"$plan"
  is_lost_by_force "ipip 't-ipip', which sends through it"
  expect 't-ipip@lan0' "$(ip link show t-ipip)"
}

ipsec_that_it_does_is_named() {
  ip xfrm state add src 192.0.2.10 dst 192.0.2.1 proto esp spi 0x1234 mode transport \
    aead 'rfc4106(gcm(aes))' 0x3132333435363738393031323334353664636261 128 \
    offload dev lan0 dir out
  ip xfrm state add src 192.0.2.10 dst 192.0.2.9 proto esp spi 0x1235 mode transport \
    aead 'rfc4106(gcm(aes))' 0x3132333435363738393031323334353664636261 128
  is_lost_by_force 'IPsec state 0x1234, which it does in hardware'
}

chains_and_flowtables_have_it_again() {
  nft -f - <<'END'
table inet t {
  flowtable f {
    hook ingress priority 0
    devices = { lan0, lan1 }
  }
  chain in {
    type filter hook ingress device "lan0" priority 0
    counter
  }
}
table netdev n {
  chain out {
    type filter hook egress device "lan0" priority 0
    counter
  }
}
END
  expect "its place in flowtable 'f' of table 'inet t' of nftables" "$(plan)"
  # This kernel takes it out of them.
  while_it_is_away() { fails grep lan0 <<<"$(nft list ruleset)"; }
  comes_back 'nft -s list ruleset'
}

a_chain_that_home_removed_is_told_from_one_that_lost_it() {
  nft -f - <<'END'
table netdev n {
  chain removed {
    type filter hook ingress device "lan0" priority 0; policy drop
  }
  chain kept {
    type filter hook egress device "lan0" priority 0
  }
}
END
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0
  nft delete chain netdev n removed
  output=$(netlend return lan0 2>&1)
  expect "not made again: chain 'removed' of table 'netdev n' of nftables" "$output"
  fails grep removed <<<"$(nft list ruleset)"
  expect 'device "lan0"' "$(nft list chain netdev n kept)"
  has_no_trace
}

what_another_redirects_to_it_arrives_again() {
  ip link set lan1 up
  tc qdisc add dev lan1 clsact
  tc filter add dev lan1 ingress matchall action mirred egress redirect dev lan0
  expect 'of traffic control, which redirects to it' "$(plan)"
  while_it_is_away() { fails grep 'to device lan0' <<<"$(tc filter show dev lan1 ingress)"; }
  comes_back 'tc filter show dev lan1 ingress'
}

an_rdma_device_in_software_is_never_destroyed() {
  local output
  rdma link add rxe0 type rxe netdev lan0
  ip netns add blue
  output=$(fails netlend lend lan0 --to netns:blue --force name=eth0 2>&1)
  expect "RDMA device 'rxe0' is made of it, and the kernel would destroy that as it moves; remove 'rxe0' first" "$output"
  expect "RDMA device 'rxe0' is made of it" "$(plan)"
  rdma link show rxe0/1
  # The kernel does so indeed.
  ip link set lan0 netns blue
  wait_until fails rdma link show rxe0/1
}

a_queue_that_cannot_be_set_as_it_is_told_is_named() {
  tc qdisc add dev lan0 root handle 1: prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 3
  tc qdisc add dev lan0 parent 1:1 fq_codel limit 777
  is_lost_by_force "the qdisc 'prio' is of a kind that can't be set as it is told"
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
