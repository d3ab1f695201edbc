#!/bin/bash
# Wi-Fi: lan0 is the one device of phy0, a phy of mac80211_hwsim, and goes and comes with it.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"

cases=(
  a_command_uses_it_and_it_comes_home
  by_hand_it_goes_to_a_namespace_and_returns
  plan_says_that_its_phy_goes_along
  a_borrower_that_changes_device_and_phy_brings_both_home
  an_interface_that_the_borrower_deleted_is_made_again
  a_phy_that_was_moved_on_comes_home_from_there
  a_killed_netlend_leaves_it_to_the_guardian
  what_the_kernel_brought_back_is_put_right_by_reap
  another_device_of_its_phy_goes_along_by_force_only
  its_name_can_be_taken_inside
  its_name_can_be_taken_at_home_meanwhile
)

make_machine() {
  make_private_run
  cd /run/test
}

# There is nobody behind it.
make_network() {
  sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip link set lo up
  make_lan0
  furnish lan0
}

phy_folder() { dirname "$(grep --line-regexp --files-with-matches 0 /sys/class/ieee80211/*/index)"; }

# A fresh device on a phy that an earlier case may have left in a namespace that is about to end.
make_lan0() {
  local phy device
  wait_until phy_folder
  phy=$(basename "$(phy_folder)")
  for device in "$(phy_folder)"/device/net/*; do
    [[ $(readlink -f "$device/phy80211") != "$(realpath "$(phy_folder)")" ]] ||
      iw dev "$(basename "$device")" del
  done
  [[ $phy == phy0 ]] || iw phy "$phy" set name phy0
  iw phy phy0 set retry short 7 long 4
  iw phy phy0 interface add lan0 type managed
}

eval "own_$(declare -f take_picture)"
take_picture() {
  own_take_picture
  iw dev
  iw phy phy0 info | grep -E 'Wiphy|RTS|Retry|Fragmentation|Coverage'
}

inside() { ip netns exec blue "$@"; }

lend_to_blue() {
  ip netns add blue
  netlend lend lan0 --to netns:blue 'name=eth0 addr=10.77.0.2/24'
  fails ip link show lan0
  fails iw phy phy0 info
  inside iw phy phy0 info >/dev/null
}

# ---- the cases ----------------------------------------------------------------------------------

a_command_uses_it_and_it_comes_home() {
  output=$(netlend run --nic 'eth0=lan0 addr=10.77.0.2/24' -- sh -c 'ip -o addr show dev eth0; iw dev')
  expect 'inet 10.77.0.2/24' "$output"
  expect 'Interface eth0' "$output"
  is_home
}

by_hand_it_goes_to_a_namespace_and_returns() {
  lend_to_blue
  netlend return lan0
  is_home
}

plan_says_that_its_phy_goes_along() {
  output=$(netlend plan run --nic eth0=lan0 -- true | tr -s ' \n' ' ')
  expect "its whole Wi-Fi phy 'phy0' goes along" "$output"
  expect "its phy 'phy0' and that it is of type 'managed'" "$output"
}

a_borrower_that_changes_device_and_phy_brings_both_home() {
  lend_to_blue
  inside iw phy phy0 interface add x0 type monitor
  inside ip link set x0 up
  inside iw phy phy0 set retry short 9 long 9
  inside iw phy phy0 set name evil
  inside ip link set eth0 down
  inside ip link set eth0 name lan9 address 02:00:00:00:99:99
  inside iw dev lan9 set power_save on
  inside iw dev lan9 set type monitor
  for name in $(inside ip -j link show lan9 | jq -r '.[].altnames[]'); do
    inside ip link property del dev lan9 altname "$name"
  done
  netlend return lan0
  fails ip link show x0
  is_home
}

an_interface_that_the_borrower_deleted_is_made_again() {
  lend_to_blue
  inside iw dev eth0 del
  netlend return lan0
  has_no_trace
  expect 'the-port-on-the-left' "$(ip link show lan0)"
  expect '198.51.100.0/24 via 192.0.2.1' "$(ip route)"
  expect 'type managed' "$(iw dev lan0 info)"
}

a_phy_that_was_moved_on_comes_home_from_there() {
  lend_to_blue
  ip netns add green
  inside iw phy phy0 set netns name green
  netlend return lan0
  is_home
}

a_killed_netlend_leaves_it_to_the_guardian() {
  "$programs/netlend" run --nic eth0=lan0 -- sleep 1000 &
  wait_until fails ip link show lan0
  wait_until test -s /run/netlend/ledgers/*
  kill_all $!
  wait_until has_no_loans
  is_unchanged
}

what_the_kernel_brought_back_is_put_right_by_reap() {
  lend_to_blue
  inside iw phy phy0 set name evil
  inside iw phy evil interface add x0 type managed
  ip link add eth0 type dummy # what it is called there
  kill_guardian
  umount /run/netlend/pins/*
  ip netns del blue
  wait_until iw phy evil info
  netlend reap
  ip link del eth0
  fails ip link show x0
  is_home
}

another_device_of_its_phy_goes_along_by_force_only() {
  local output
  iw phy phy0 interface add lan5 type managed
  ip netns add blue
  output=$(fails netlend lend lan0 --to netns:blue name=eth0 2>&1)
  expect "its phy 'phy0' has also 'lan5', which goes along and is not put right" "$output"
  netlend lend lan0 --to netns:blue --force name=eth0
  inside ip link show lan5
  netlend return lan0
  ip link show lan5
  iw dev lan5 del
  is_home
}

its_name_can_be_taken_inside() {
  ip netns add blue
  ip -n blue link add lan0 type dummy
  netlend lend lan0 --to netns:blue name=eth0
  netlend return lan0
  is_home
}

its_name_can_be_taken_at_home_meanwhile() {
  local output
  lend_to_blue
  ip link add lan0 type dummy
  output=$(fails netlend return lan0 2>&1)
  expect "has taken the name 'lan0' meanwhile" "$output"
  ip link del lan0
  netlend reap
  is_home
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
