#!/bin/bash
# Hardware in a kernel with patches/6.12-home (run by kernel/selftests/run-tests): it returns by itself
# to where it was lent from, under its name there, when nothing of netlend's is left.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"

cases=(
  home_the_kernel_brings_it_back_under_its_name
  home_a_name_that_is_taken_inside_changes_nothing_in_that
  home_it_goes_to_the_namespace_that_lent_it
  home_returned_by_hand_it_can_be_lent_again
)

make_machine() {
  make_private_run
  make_private_etc
}

make_lan0() { make_ports 2; }

is_here() { ip link show "$1"; }

# Ends it so that nothing of ours is left but what is written down: no guardian, no pin.
end_without_trace() {
  kill_guardian
  kill_all "$borrower"
  umount /run/netlend/pins/*
}

# ---- the cases ----------------------------------------------------------------------------------

home_the_kernel_brings_it_back_under_its_name() {
  start_borrower
  netlend lend lan0 --to "pid:$borrower" name=eth0
  end_without_trace
  wait_until is_here lan0
  fails is_here eth0
  netlend reap
  is_home
}

home_a_name_that_is_taken_inside_changes_nothing_in_that() {
  start_borrower
  nsenter --target "$borrower" --net ip link add lan0 type dummy
  netlend lend lan0 --to "pid:$borrower" name=eth0
  end_without_trace
  wait_until is_here lan0
  netlend reap
  is_home
}

home_it_goes_to_the_namespace_that_lent_it() {
  ip netns add blue
  ip link set lan1 netns blue
  start_borrower
  ip netns exec blue "$programs/netlend" lend lan1 --to "pid:$borrower" name=eth1
  end_without_trace
  wait_until ip -n blue link show lan1
  fails is_here eth1
  netlend reap
  has_no_trace
}

home_returned_by_hand_it_can_be_lent_again() {
  ip netns add blue
  for _ in 1 2; do
    netlend lend lan0 --to netns:blue name=eth0
    netlend return lan0
    is_home
  done
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
