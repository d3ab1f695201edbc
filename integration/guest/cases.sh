# shellcheck shell=bash
# Each case's home is the guest's first network namespace: there the kernel puts a physical device
# whose namespace ends. lan0 is such a device where make_lan0 calls make_ports. A case has process
# and mount namespaces of its own, and leaves no device; the cgroups are the guest's, whose root alone
# may have both processes and groups.
# shellcheck source=integration/cases.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cases.sh"

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

# has_left_home PID: into a network namespace of its own.
has_left_home() { [[ $(readlink "/proc/$1/ns/net") != $(readlink /proc/self/ns/net) ]]; }

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

# ---- a case -------------------------------------------------------------------------------------

run_apart() {
  NETLEND_STAGE=perform_here unshare --mount --ipc --uts --pid --fork --mount-proc --kill-child -- \
    bash "$1" "$programs" "$2"
}

perform_here() { perform "$2"; }

clean_up() {
  remove_devices
  find /sys/fs/cgroup -mindepth 1 -depth -type d -exec rmdir {} +
}
