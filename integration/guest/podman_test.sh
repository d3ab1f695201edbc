#!/bin/bash
# podman with crun, as distributions with pure cgroup 2 have it: memory and pids limits, and a port of
# netdevsim lent by one flag.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/podman.sh
source "$(dirname "$0")/../podman.sh"

cases=(
  one_flag_lends_it_and_it_comes_home
  it_is_lent_beside_the_default_bridge
  a_stopped_container_gives_it_back_and_borrows_it_again
  a_killed_conmon_and_init_bring_it_home
  a_command_that_is_not_there_brings_it_home
  the_limits_are_the_containers_and_not_the_guardians
  a_container_beyond_its_memory_gives_it_back
  a_container_beyond_its_processes_gives_it_back
  a_killed_cgroup_gives_it_back
  without_rule_it_is_refused
)

make_machine() {
  make_private_run
  make_engine crun cgroupfs
}

make_lan0() { make_ports 1; }

# The folder of a process's cgroup.
cgroup_of() { echo "/sys/fs/cgroup$(cut -d : -f 3 "/proc/$1/cgroup")"; }

# ---- the cases ----------------------------------------------------------------------------------

one_flag_lends_it_and_it_comes_home() {
  output=$(podman run --rm --network none --annotation "$lan0" box ip addr show dev eth1)
  expect 'inet 10.77.0.2/24' "$output"
  comes_home
}

it_is_lent_beside_the_default_bridge() {
  output=$(podman run --rm --annotation "$lan0" box ip -4 -o addr)
  expect '10.88.0.2/16' "$output"
  expect '10.77.0.2/24' "$output"
  comes_home
}

a_stopped_container_gives_it_back_and_borrows_it_again() {
  start_container c1
  is_lent_to c1
  podman stop --time 0 c1
  comes_home
  podman start c1
  is_lent_to c1
  podman rm --force --time 0 c1
  comes_home
}

a_killed_conmon_and_init_bring_it_home() {
  start_container c1
  kill -KILL "$(conmon_pid c1)" "$(init_pid c1)"
  comes_home
}

a_command_that_is_not_there_brings_it_home() {
  fails podman run --rm --network none --annotation "$lan0" box nosuchcommand
  comes_home
}

the_limits_are_the_containers_and_not_the_guardians() {
  start_container c1 --memory 32m --pids-limit 20
  is_lent_to c1
  group=$(cgroup_of "$(init_pid c1)")
  [[ $(<"$group/memory.max") == 33554432 ]]
  [[ $(<"$group/pids.max") == 20 ]]
  [[ $(cgroup_of "$(pgrep netlend-guard)") == /sys/fs/cgroup/netlend/.guardian ]]
  podman rm --force --time 0 c1
  comes_home
}

a_container_beyond_its_memory_gives_it_back() {
  local code=0
  podman run --rm --network none --memory 16m --annotation "$lan0" box \
    busybox dd if=/dev/zero of=/dev/null bs=64M count=1 || code=$?
  expect 137 "$code"
  # Of all groups below, those that are gone included.
  (($(awk '$1 == "oom_kill" { print $2 }' /sys/fs/cgroup/libpod_parent/memory.events) > 0))
  comes_home
}

a_container_beyond_its_processes_gives_it_back() {
  # Its shell ends with the first process that it can't have.
  output=$(fails podman run --rm --network none --pids-limit 20 --annotation "$lan0" box \
    sh -c 'ip addr show dev eth1; while :; do sleep 1000000 & done' 2>&1)
  expect 'inet 10.77.0.2/24' "$output"
  expect "can't fork" "$output"
  comes_home
}

a_killed_cgroup_gives_it_back() {
  start_container c1
  echo 1 >"$(cgroup_of "$(init_pid c1)")/cgroup.kill"
  comes_home
}

without_rule_it_is_refused() {
  write_rules
  fails podman run --rm --network none --annotation "$lan0" \
    --annotation run.oci.hooks.stderr=/run/test/err box true
  expect 'type: netlend allow' "$(</run/test/err)"
  comes_home
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
