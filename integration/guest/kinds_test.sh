#!/bin/bash
# Each kind of virtual device: lent and home as it was, also after its borrower and all of ours were
# killed; or refused in a sentence where the kernel can't move it.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"

cases=(
  a_dummy_goes_and_comes_home
  a_dummy_has_the_carrier_that_it_had
  a_vlan_goes_and_comes_home
  a_macvlan_goes_and_comes_home
  an_ipvlan_goes_and_comes_home
  a_netkit_goes_and_comes_home
  a_veth_goes_and_comes_home
  an_ifb_goes_and_comes_home
  a_vxlan_goes_and_comes_home
  a_tap_goes_and_comes_home
  a_bridge_port_goes_and_comes_home
  options_of_a_vlan_are_undone
  options_of_a_macvlan_are_undone
  sources_of_a_macvlan_are_undone
  options_of_a_macvtap_are_undone
  options_of_an_ipvlan_are_undone
  options_of_a_netkit_are_undone
  options_of_a_macsec_are_undone
  options_of_a_vxlan_are_undone
  what_a_vxlan_floods_to_is_undone
  a_vxlan_that_was_bound_to_a_device_is_told
  options_of_tunnels_are_undone
  a_bond_is_refused
  a_bridge_is_refused
  a_vrf_is_refused
)

make_machine() {
  make_private_run
  cd /run/test
}

# Most cases make a lan0 of their own.
make_network() {
  sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip link add base0 type dummy
  ip link set base0 up
}

# ---- what is expected ---------------------------------------------------------------------------

mark_in() { ip -n "$1" -j link show eth0 | jq -er '.[].altnames[] | select(startswith("netlend-"))'; }

# A lan0 that is made and furnished goes by run, by hand, to a borrower that dies, and to one that
# takes the mark off and moves it on before it ends.
goes_and_comes_home() {
  furnish lan0
  take_picture >/run/test/before

  output=$(netlend run --nic 'eth0=lan0 addr=10.77.0.2/24' -- ip -o addr show dev eth0)
  expect 'inet 10.77.0.2/24' "$output"
  is_home

  ip netns add blue
  netlend lend lan0 --to netns:blue 'name=eth0 addr=10.77.0.2/24'
  ip -n blue link show eth0
  fails ip link show lan0
  netlend return lan0
  is_home

  unshare --net sleep 1000000 &
  borrower=$!
  wait_until has_left_home "$borrower"
  netlend lend lan0 --to "pid:$borrower" name=eth0
  kill -KILL "$(pgrep netlend-guard)" "$borrower"
  wait_until is_gone "$borrower"
  wait_until fails pgrep netlend-guard
  netlend reap
  is_home

  ip netns add green
  netlend lend lan0 --to netns:blue name=eth0
  ip -n blue link property del dev eth0 altname "$(mark_in blue)"
  ip -n blue link set eth0 netns green index 77
  wait_until mark_in green # the guardian has followed
  ip netns del blue
  wait_until is_home
}

# are_undone CHANGE...: done to lan0, each by a borrower of its own, and undone by one return.
are_undone() {
  local change
  ip link set lan0 up
  take_whole_picture >/run/test/before
  for change in "$@"; do
    ip netns exec blue true 2>/dev/null || ip netns add blue
    netlend lend lan0 --to netns:blue name=eth0
    ip netns exec blue bash -ec "$change" >/run/test/said 2>&1 || {
      cat /run/test/said
      echo "not changed: $change"
      return 1
    }
    netlend return lan0 || {
      echo "not undone: $change"
      return 1
    }
    take_whole_picture >/run/test/after
    diff --unified=2 /run/test/before /run/test/after || {
      echo "not undone: $change"
      return 1
    }
    has_no_trace
  done
}

# The order in which a vxlan sends to those of one address is the kernel's own.
take_whole_picture() {
  take_picture
  bridge -d fdb show dev lan0 | sort
}

# is_refused SENTENCE: and stays as it is.
is_refused() {
  take_picture >/run/test/before
  ip netns add blue
  output=$(fails netlend lend lan0 --to netns:blue name=eth0 2>&1)
  expect "$1" "$output"
  is_home
}

# ---- the cases ----------------------------------------------------------------------------------

a_dummy_goes_and_comes_home() {
  ip link add lan0 type dummy
  goes_and_comes_home
}

a_dummy_has_the_carrier_that_it_had() {
  ip link add lan0 type dummy
  ip netns add blue
  for carrier in off on; do
    ip link set lan0 up carrier $carrier
    take_picture >/run/test/before
    netlend lend lan0 --to netns:blue name=eth0
    ip -n blue link set eth0 carrier "$([[ $carrier == on ]] && echo off || echo on)"
    netlend return lan0
    is_home
  done
}

a_vlan_goes_and_comes_home() {
  ip link add lan0 link base0 type vlan id 42
  goes_and_comes_home
}

a_macvlan_goes_and_comes_home() {
  ip link add lan0 link base0 type macvlan mode bridge
  goes_and_comes_home
}

an_ipvlan_goes_and_comes_home() {
  ip link add lan0 link base0 type ipvlan mode l2
  goes_and_comes_home
}

a_netkit_goes_and_comes_home() {
  "$here/make-netkit" lan0 peer0
  goes_and_comes_home
}

a_veth_goes_and_comes_home() {
  ip netns add far
  ip link add lan0 type veth peer name eth0 netns far
  ip -n far link set eth0 up
  goes_and_comes_home
}

an_ifb_goes_and_comes_home() {
  ip link add lan0 type ifb
  goes_and_comes_home
}

a_vxlan_goes_and_comes_home() {
  ip link add lan0 type vxlan id 7 local 192.0.2.99 dstport 4789
  goes_and_comes_home
}

a_tap_goes_and_comes_home() {
  ip tuntap add lan0 mode tap
  goes_and_comes_home
}

a_bridge_port_goes_and_comes_home() {
  ip link add br0 type bridge
  ip link add lan0 type dummy
  ip link set lan0 master br0
  goes_and_comes_home
}

options_of_a_vlan_are_undone() {
  ip link add lan0 link base0 type vlan id 42 reorder_hdr off loose_binding on \
    egress-qos-map 2:6 17:3 1:1 ingress-qos-map 1:7
  are_undone 'ip link set eth0 type vlan gvrp on' \
    'ip link set eth0 type vlan mvrp on reorder_hdr on' \
    'ip link set eth0 type vlan loose_binding off' \
    'ip link set eth0 type vlan egress-qos-map 1:5' \
    'ip link set eth0 type vlan egress-qos-map 2:0 3:4 17:1 33:2' \
    'ip link set eth0 type vlan ingress-qos-map 2:3' \
    'ip link set eth0 type vlan ingress-qos-map 1:0 7:9' \
    'seq --format=%g:7 100 4099 | xargs -n 50 ip link set eth0 type vlan egress-qos-map'
  ip link del lan0
  ip link add lan0 link base0 type vlan id 42
  are_undone 'ip link set eth0 type vlan gvrp on' \
    'ip link set eth0 type vlan egress-qos-map 1:5 ingress-qos-map 2:3 reorder_hdr off'
}

options_of_a_macvlan_are_undone() {
  ip link add lan0 link base0 type macvlan mode bridge bcqueuelen 500
  are_undone 'ip link set eth0 type macvlan mode vepa' \
    'ip link set eth0 type macvlan bcqueuelen 77' \
    'ip link set eth0 type macvlan mode source
     ip link set eth0 type macvlan macaddr add 02:00:00:00:00:05'
  ip link del lan0
  ip link add lan0 link base0 type macvlan mode passthru
  are_undone 'ip link set eth0 type macvlan mode passthru nopromisc'
}

# Several in a bucket, which has the last two bytes.
sources_of_a_macvlan_are_undone() {
  ip link add lan0 link base0 type macvlan mode source
  ip link set lan0 type macvlan macaddr set \
    02:00:00:00:00:05 02:00:00:00:01:05 02:00:00:00:02:05 02:00:00:00:00:06
  are_undone 'ip link set eth0 type macvlan macaddr add 02:00:00:00:03:05' \
    'ip link set eth0 type macvlan macaddr del 02:00:00:00:01:05' \
    'ip link set eth0 type macvlan macaddr set 02:00:00:00:00:09 02:00:00:00:00:05' \
    'ip link set eth0 type macvlan macaddr flush' \
    'ip link set eth0 type macvlan mode bridge'
  ip link set lan0 type macvlan macaddr flush
  are_undone 'ip link set eth0 type macvlan macaddr add 02:00:00:00:03:05'
}

options_of_a_macvtap_are_undone() {
  ip link add lan0 link base0 type macvtap mode bridge
  are_undone 'ip link set eth0 type macvtap mode vepa bcqueuelen 77'
}

options_of_an_ipvlan_are_undone() {
  ip link add lan0 link base0 type ipvlan mode l2 private
  are_undone 'ip link set eth0 type ipvlan mode l3' \
    'ip link set eth0 type ipvlan bridge' \
    'ip link set eth0 type ipvlan vepa'
}

options_of_a_netkit_are_undone() {
  "$here/make-netkit" lan0 peer0
  are_undone "$here/make-netkit --drop eth0"
}

options_of_a_macsec_are_undone() {
  ip link add lan0 link base0 type macsec port 7
  are_undone 'ip link set eth0 type macsec encrypt on' \
    'ip link set eth0 type macsec replay on window 64' \
    'ip link set eth0 type macsec send_sci off end_station on' \
    'ip link set eth0 type macsec validate check encodingsa 2'
  ip link set lan0 type macsec replay on window 32
  are_undone 'ip link set eth0 type macsec replay off' \
    'ip link set eth0 type macsec replay on window 64'
}

options_of_a_vxlan_are_undone() {
  ip link add lan0 type vxlan id 7 local 192.0.2.99 dstport 4789 ttl 5
  are_undone 'ip link set eth0 type vxlan ttl 9' \
    'ip link set eth0 type vxlan tos 4 df set' \
    'ip link set eth0 type vxlan ageing 12 nolearning' \
    'ip link set eth0 type vxlan local 192.0.2.98' \
    'ip link set eth0 type vxlan remote 192.0.2.1'
  ip link del lan0
  ip link add lan0 mtu 1300 type vxlan id 7 group 239.0.0.1 dev base0 dstport 4789
  ip link add base1 type dummy
  are_undone 'ip link set eth0 type vxlan local 192.0.2.98' \
    "ip link set eth0 type vxlan group 239.0.0.2 dev if$(</sys/class/net/base0/ifindex)" \
    "ip link set eth0 type vxlan group 239.0.0.2 dev if$(</sys/class/net/base1/ifindex)" \
    'ip link set eth0 type vxlan remote 192.0.2.1'
  ip link del lan0
  ip link add lan0 type vxlan id 7 local 2001:db8::99 dstport 4789 flowlabel 5
  are_undone 'ip link set eth0 type vxlan flowlabel 9' \
    'ip link set eth0 type vxlan remote 2001:db8::1'
}

what_a_vxlan_floods_to_is_undone() {
  local all=00:00:00:00:00:00 one=02:00:00:00:00:01 some=01:00:5e:01:02:03
  ip link add lan0 type vxlan id 7 local 192.0.2.99 remote 192.0.2.100 dstport 4789
  bridge fdb append $all dst 192.0.2.101 dev lan0
  bridge fdb append $all dst 192.0.2.102 port 4790 vni 9 dev lan0
  bridge fdb append $some dst 192.0.2.101 dev lan0
  bridge fdb append $some dst 192.0.2.102 via base0 dev lan0
  bridge fdb add $one dst 192.0.2.101 dev lan0
  are_undone "bridge fdb append $all dst 192.0.2.103 dev eth0" \
    "bridge fdb del $all dst 192.0.2.101 dev eth0" \
    "bridge fdb del $all dev eth0" \
    "bridge fdb del $all dst 192.0.2.100 dev eth0
     bridge fdb append $all dst 192.0.2.66 via lo dev eth0" \
    "bridge fdb append $some dst 192.0.2.66 dev eth0" \
    "bridge fdb del $some dev eth0" \
    "bridge fdb replace $one dst 192.0.2.66 dev eth0" \
    "bridge fdb del $one dev eth0" \
    "ip link add eth1 type dummy
     bridge fdb add 02:00:00:00:00:02 dst 192.0.2.66 via eth1 dev eth0
     bridge fdb append 01:00:5e:01:02:04 dst 192.0.2.66 dev eth0" \
    'ip link set eth0 type vxlan remote 192.0.2.66'
}

a_vxlan_that_was_bound_to_a_device_is_told() {
  ip link add lan0 type vxlan id 7 dstport 4789
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0
  ip -n blue link set eth0 type vxlan dev "if$(</sys/class/net/base0/ifindex)"
  output=$(fails netlend return lan0 2>&1)
  expect "dev (vxlan) is $(</sys/class/net/base0/ifindex), was none at home" "$output"
  expect "'netlend return --forget lan0' leaves it as it is now" "$output"
  netlend return --forget lan0 2>/dev/null
  has_no_trace
}

options_of_tunnels_are_undone() {
  local kind ends='local 192.0.2.99 remote 192.0.2.100'
  local other='local 192.0.2.66 remote 192.0.2.67'
  for kind in ipip sit gre gretap vti; do
    # shellcheck disable=SC2086 # words
    ip link add lan0 type $kind $ends
    are_undone "ip link set eth0 type $kind local 192.0.2.99 remote 192.0.2.67" \
      "ip link set eth0 type $kind $other" \
      "ip link set eth0 type $kind $other dev lo" \
      "ip link set eth0 type $kind $ends fwmark 5"
    [[ $kind == vti ]] || are_undone "ip link set eth0 type $kind $ends ttl 7 tos 4" \
      "ip link set eth0 mtu 1290 type $kind $ends nopmtudisc"
    ip link del lan0
  done
  ip link add lan0 type gre local 192.0.2.99 remote 192.0.2.100 key 5
  are_undone "ip link set eth0 type gre $ends key 7 csum" "ip link set eth0 type gre $ends nokey"
  ip link del lan0
  ip link add lan0 type ip6tnl local 2001:db8::99 remote 2001:db8::100 mode ip6ip6
  are_undone 'ip link set eth0 type ip6tnl local 2001:db8::99 remote 2001:db8::67' \
    'ip link set eth0 type ip6tnl local 2001:db8::66 remote 2001:db8::67 ttl 9 encaplimit 2' \
    'ip link set eth0 type ip6tnl local 2001:db8::99 remote 2001:db8::100 mode any flowlabel 7'
}

a_bond_is_refused() {
  ip link add lan0 type bond
  is_refused "is of kind 'bond', and the kernel doesn't move those"
}

a_bridge_is_refused() {
  ip link add lan0 type bridge
  is_refused "is of kind 'bridge', and the kernel doesn't move those"
}

a_vrf_is_refused() {
  ip link add lan0 type vrf table 10
  is_refused "is of kind 'vrf', and the kernel doesn't move those"
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
