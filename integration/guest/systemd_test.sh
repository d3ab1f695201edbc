#!/bin/bash
# Where systemd is the first process, with udev: a unit that runs podman with a lent device. The cases
# run one after the other on the guest itself, for systemd knows no namespaces of ours.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/podman.sh
source "$(dirname "$0")/../podman.sh"

cases=(
  a_unit_that_is_stopped_has_its_device_home_in_time
  a_unit_that_is_killed_has_its_device_home
  the_guardian_is_in_no_cgroup_of_the_unit
  systemd_leaves_the_guardian_alone
  a_port_comes_home_as_it_was_with_udev_about
  what_udev_makes_of_a_device_that_comes_home_is_undone
  what_a_network_manager_makes_of_a_device_that_comes_home_is_undone
  what_udev_and_a_network_manager_make_of_it_together_is_undone
)

# start_unit NAME COMMAND...: a service that runs podman in the foreground.
start_unit() {
  local name=$1
  shift
  systemd-run --quiet --unit "$name" --property KillMode=control-group "$@"
}

# In the foreground podman's conmon is in a scope of its own: what a unit's stop ends with the
# engine is the container only where the cgroups are the unit's (--cgroups=split). The first process
# of a container gets no signal that it has no handler for.
run_in_unit=(podman run --rm --name c1 --cgroups split --network none --annotation "$lan0" box
  sh -c 'trap exit TERM; sleep 1000000 & wait')

is_lent() { [[ $(podman exec c1 ip addr show dev eth1) == *'inet 10.77.0.2/24'* ]]; }
uptime_ms() { local up; read -r up _ </proc/uptime; echo "${up/./}0"; }
cgroup_of() { cut -d : -f 3 "/proc/$1/cgroup"; }

# ---- the cases ----------------------------------------------------------------------------------

a_unit_that_is_stopped_has_its_device_home_in_time() {
  start_unit lender "${run_in_unit[@]}"
  wait_until is_lent
  begin_ms=$(uptime_ms)
  systemctl stop lender
  wait_until ip link show lan0
  took_ms=$(($(uptime_ms) - begin_ms))
  echo "home after $took_ms ms"
  # Of each second here most is the guest's own; who waits for systemd's SIGKILL waits for 90.
  ((took_ms < 5000))
  wait_until is_home || is_home
}

a_unit_that_is_killed_has_its_device_home() {
  start_unit lender "${run_in_unit[@]}"
  wait_until is_lent
  systemctl kill --kill-whom=all --signal KILL lender
  wait_until is_home || is_home
}

the_guardian_is_in_no_cgroup_of_the_unit() {
  start_unit lender "${run_in_unit[@]}"
  wait_until is_lent
  expect /lender.service "$(cgroup_of "$(init_pid c1)")"
  echo "guardian in $(cgroup_of "$(pgrep netlend-guard)")"
  [[ $(cgroup_of "$(pgrep netlend-guard)") != *lender* ]]
  systemctl kill --signal KILL lender
  wait_until is_home || is_home
}

systemd_leaves_the_guardian_alone() {
  start_unit lender "${run_in_unit[@]}"
  wait_until is_lent
  guardian=$(pgrep netlend-guard)
  group=$(cgroup_of "$guardian")
  systemctl daemon-reload
  systemctl daemon-reexec
  systemctl is-active lender
  [[ $(cgroup_of "$guardian") == "$group" ]]
  systemctl kill --signal KILL lender
  wait_until is_home || is_home
}

a_port_comes_home_as_it_was_with_udev_about() {
  podman run --rm --network none --annotation "$lan0" box true
  udevadm settle
  is_home
}

# A .link for lan0: what comes is renamed, gets an altname, another address and another MTU.
write_link_file() {
  mkdir -p /etc/systemd/network
  cat >/etc/systemd/network/10-lan0.link <<END
[Match]
MACAddress=$(</sys/class/net/lan0/address)
[Link]
Name=udev0
AlternativeName=the-name-that-udev-gives
MACAddress=02:00:00:00:00:99
MTUBytes=1300
END
  udevadm control --reload
}

# start_onlooker NAME COMMAND...: a service that looks on from the first network namespace.
start_onlooker() {
  local name=$1
  shift
  systemd-run --quiet --unit "$name" --property "StandardOutput=file:/run/test/$name" "$@"
}
# What it has written by now; it starts with a line of its own.
is_looking_on() { [[ -s /run/test/$1 ]]; }

is_later_than() { (($(uptime_ms) >= $1)); }

# is_home_and_stays_so: and two seconds after it was returned, too.
is_home_and_stays_so() {
  local returned_ms
  returned_ms=$(uptime_ms)
  is_home
  wait_until is_later_than $((returned_ms + 2000))
  is_home
}

lend_and_return() {
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0
  netlend return lan0
  ip netns del blue
}

what_udev_makes_of_a_device_that_comes_home_is_undone() {
  write_link_file
  start_onlooker watcher sh -c 'ip -o link; exec ip -o monitor link'
  wait_until is_looking_on watcher
  lend_and_return
  is_home_and_stays_so
  grep ' udev0[@:]' /run/test/watcher # udev was at it
}

what_a_network_manager_makes_of_a_device_that_comes_home_is_undone() {
  start_onlooker manager "$here/play-network-manager" lan0
  wait_until is_looking_on manager
  lend_and_return
  is_home_and_stays_so
  grep 'readdressed' /run/test/manager
}

what_udev_and_a_network_manager_make_of_it_together_is_undone() {
  write_link_file
  start_onlooker watcher sh -c 'ip -o link; exec ip -o monitor link'
  start_onlooker manager "$here/play-network-manager" lan0
  wait_until is_looking_on watcher
  wait_until is_looking_on manager
  lend_and_return
  is_home_and_stays_so
  grep ' udev0[@:]' /run/test/watcher
  grep 'readdressed' /run/test/manager
}

# ---- running them -------------------------------------------------------------------------------

make_lan0() { make_ports 1; }

run_apart() (
  set -e
  make_network
  settle
  take_picture >/run/test/before
  "$2"
)

clean_up() {
  systemctl kill --signal KILL lender 2>/dev/null
  systemctl stop lender 2>/dev/null
  systemctl stop watcher manager 2>/dev/null
  systemctl reset-failed 2>/dev/null
  netlend reap
  podman rm --all --force --time 0 &>/dev/null
  rm -f /etc/systemd/network/10-lan0.link
  udevadm control --reload
  remove_devices
}

mkdir /run/test
make_engine crun systemd
(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
