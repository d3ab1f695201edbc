#!/bin/bash
# What many whole cycles with the real programs leave behind: nothing.
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/../host/cases.sh"
# shellcheck source=integration/runc.sh
source "$(dirname "$0")/../runc.sh"

cases=(
  containers_of_runc_leave_nothing_behind
  commands_leave_nothing_behind
  loans_by_hand_leave_nothing_behind
)
# Each case makes as many; with NETLEND_SOAK 1,000 in all.
cycles=10
[[ ! ${NETLEND_SOAK:-} ]] || cycles=334

make_machine() { make_machine_for_runc '{"device": "lan*"}'; }

# What this machine holds, in lines.
holdings() {
  local processes=(/proc/[0-9]*)
  echo "processes ${#processes[@]}"
  echo "namespaces $(lsns --noheadings --type net | wc -l)"
  echo "mounts $(wc -l </proc/self/mountinfo)"
  echo "cgroups: $(find /sys/fs/cgroup -type d | sort)"
  echo "devices $(ip -o link | wc -l)"
  echo "files: $(find /run/netlend /run/runc | sort)"
  echo "locks $(grep -c FLOCK /proc/locks)"
}

# leave_nothing_behind LOANS CYCLE...: with so many loans a cycle. The first makes folders that stay.
leave_nothing_behind() {
  local loans=$1 cycle act
  shift
  mkdir -p /run/runc
  "$@"
  wait_until fails pgrep netlend
  holdings >/run/test/holdings
  for ((cycle = 0; cycle < cycles; cycle++)); do "$@"; done
  wait_until fails pgrep netlend
  holdings >/run/test/holdings.now
  diff /run/test/holdings /run/test/holdings.now
  is_home
  for act in lend 'give back'; do
    echo "survived|many in turn, which leave nothing behind|$act|$((loans * cycles))"
  done
}

cycle_of_runc() {
  run_container c1
}
containers_of_runc_leave_nothing_behind() {
  make_bundle c1 "$lan0" . true
  leave_nothing_behind 1 cycle_of_runc
}

cycle_of_run() {
  netlend run --nic 'eth0=lan0 addr=10.77.0.2/24' -- true
}
commands_leave_nothing_behind() {
  leave_nothing_behind 1 cycle_of_run
}

# In turns returned, and brought home by the guardian of a namespace that ends.
cycle_by_hand() {
  ip netns add blue
  netlend lend lan0 --to netns:blue 'name=eth0 addr=10.77.0.2/24'
  netlend return lan0
  netlend lend lan0 --to netns:blue 'name=eth0 addr=10.77.0.2/24'
  ip netns del blue
  wait_until has_no_trace
}
loans_by_hand_leave_nothing_behind() {
  leave_nothing_behind 2 cycle_by_hand
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
