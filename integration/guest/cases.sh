# shellcheck shell=bash
# As integration/host/cases.sh, but for cases whose home is the guest's first network namespace: there
# the kernel puts a physical device whose namespace ends. lan0 is a port of netdevsim, which is such a
# device. Each case still has process and mount namespaces of its own, and
# leaves no device; the cgroups are the guest's, whose root alone may have both processes and groups.
# shellcheck source=integration/host/cases.sh
source "$(dirname "${BASH_SOURCE[0]}")/../host/cases.sh"

# shellcheck disable=SC2034 # the scripts use it
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
simulator=/sys/bus/netdevsim

# udev renames what is new, where it runs.
settle() { [[ ! -S /run/udev/control ]] || udevadm settle; }

# make_ports COUNT: lan0, lan1... of one simulated card. lan0 is wired to eth0 of the namespace
# neighbour, which answers on port 7.
make_ports() {
  local folder port own far
  echo "7 $1" >$simulator/new_device
  echo '8 1' >$simulator/new_device
  settle
  for folder in "$simulator"/devices/netdevsim7/net/*; do
    port=$(<"$folder/phys_port_name") # p1, p2...
    ip link set "$(basename "$folder")" name "lan$((${port#p} - 1))"
    # It has a carrier before it was ever up, and then none without a wire.
    ip link set "lan$((${port#p} - 1))" up
    ip link set "lan$((${port#p} - 1))" down
  done
  ip link set "$(ls $simulator/devices/netdevsim8/net)" name far0
  exec {own}</proc/self/ns/net {far}</run/netns/neighbour
  ip link set far0 name eth0 netns neighbour
  echo "$own:$(<"/sys/class/net/lan0/ifindex") $far:$(ip -n neighbour -j link show eth0 |
    jq '.[].ifindex')" >$simulator/link_device
  exec {own}<&- {far}<&-
}

make_network() {
  sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip netns add neighbour
  ip netns exec neighbour sysctl -qw net.ipv6.conf.default.accept_dad=0
  make_lan0
  ip -n neighbour link set lo up
  ip -n neighbour addr add 10.77.0.1/24 dev eth0
  ip -n neighbour addr add 192.0.2.1/24 dev eth0
  ip -n neighbour link set eth0 up
  furnish lan0
  ip netns exec neighbour busybox nc -ll -p 7 -e /bin/cat </dev/null &>/dev/null &
  wait_until is_answering
}

# furnish DEVICE: with all that can be lost.
furnish() {
  ip link set "$1" mtu 1400 alias 'first floor' txqueuelen 500
  ip link property add dev "$1" altname the-port-on-the-left
  sysctl -qw "net.ipv4.conf.$1.rp_filter=2"
  ip link set "$1" up
  ip addr add 192.0.2.10/24 brd + dev "$1" label "$1:a"
  ip addr add 2001:db8:1::10/64 dev "$1"
  ip route add 198.51.100.0/24 via 192.0.2.1 src 192.0.2.10 metric 50
  ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 nud permanent dev "$1"
}

# Netdevsim, as a switch, takes up routes when it comes to it, and says so in their flags.
eval "whole_$(declare -f take_picture)"
take_picture() {
  whole_take_picture | sed --null-data --regexp-extended \
    's/\[\s*"rt_trap"\s*\]/[]/g; s/,\s*"rt_trap"//g; s/"rt_trap",\s*//g'
}

# What a case left, be it in a namespace that is about to end.
remove_devices() {
  local name
  for name in "$simulator"/devices/netdevsim*; do
    [[ -e $name ]] && echo "${name##*netdevsim}" >$simulator/del_device
  done
  for name in $(ip -j link | jq -r '.[].ifname | select(. != "lo")'); do
    ip link del "$name" &>/dev/null # one end of a pair is gone with the other
  done
  [[ ! -e /run/netns/neighbour ]] || ip netns del neighbour
}

# run_cases SCRIPT CASE...: the script makes its machine in make_machine, and lan0 in make_lan0.
run_cases() {
  local script=$1 case output failed=0
  shift
  case ${NETLEND_STAGE:-} in
    case)
      set -e
      make_machine
      make_network
      take_picture >/run/test/before
      "$NETLEND_CASE"
      exit
      ;;
  esac
  for case in "$@"; do
    if output=$(NETLEND_CASE=$case NETLEND_STAGE=case unshare --mount --ipc --uts --pid --fork \
      --mount-proc --kill-child -- bash "$script" "$programs" 2>&1); then
      echo "ok   $case"
    else
      echo "FAIL $case"
      echo "       ${output//$'\n'/$'\n'       }"
      failed=$((failed + 1))
    fi
    remove_devices
    find /sys/fs/cgroup -mindepth 1 -depth -type d -exec rmdir {} +
  done
  ((failed == 0))
}
