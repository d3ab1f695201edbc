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
