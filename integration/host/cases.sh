# shellcheck shell=bash
# What the scripts of this folder share. They are called
#   NAME_test.sh FOLDER-OF-THE-PROGRAMS [CASE...]
# and print "ok CASE" or "FAIL CASE" for each. A case is a function whose name is a sentence; it
# succeeds if all its commands do. Each runs in namespaces of its own, with a private /run and
# /sys/fs/cgroup, that die with it.
set -u -o pipefail

programs=$(realpath "$1")
shift

netlend() { "$programs/netlend" "$@"; }

# ---- the machine --------------------------------------------------------------------------------

make_private_run() {
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir /run/test
}

# mount_hierarchy CONTROLLERS FOLDER: one cgroup hierarchy, which is named as in /proc/self/cgroup.
mount_hierarchy() {
  case $1 in
    '') mount -t cgroup2 cgroup2 "$2" ;;
    name=*) mount -t cgroup -o "none,$1" cgroup "$2" ;;
    *) mount -t cgroup -o "$1" cgroup "$2" ;;
  esac
}

# Runs a command in a fresh group below this shell's own in every hierarchy, and removes these groups
# and all that was made in them. For a shell with mount and cgroup namespaces of its own.
in_own_cgroups() {
  local group=netlend-test-$BASHPID-$RANDOM controllers folder code=0
  mount -t tmpfs tmpfs /run
  while IFS=: read -r _ controllers _; do
    folder=/run/${controllers:-unified}
    mkdir "$folder"
    mount_hierarchy "$controllers" "$folder"
    mkdir "$folder/$group"
    if [[ $controllers == *cpuset* ]]; then # a new one is empty, and nothing can run in it
      cat "$folder/cpuset.cpus" >"$folder/$group/cpuset.cpus"
      cat "$folder/cpuset.mems" >"$folder/$group/cpuset.mems"
    fi
  done </proc/self/cgroup
  (
    for folder in /run/*/"$group"; do echo 0 >"$folder/cgroup.procs"; done
    exec "$@"
  ) || code=$?
  find /run/*/"$group" -depth -type d -exec rmdir {} +
  return "$code"
}

# Shows what in_own_cgroups made as the machine's cgroups, in the layout that the machine has. For a
# shell that got its cgroup namespace in there.
mount_own_cgroups() {
  local controllers folder
  umount --recursive /run
  umount --recursive /sys/fs/cgroup
  if ! grep -qv '^0::' /proc/self/cgroup; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    folder=${controllers#name=}
    mkdir "/sys/fs/cgroup/${folder:-unified}"
    mount_hierarchy "$controllers" "/sys/fs/cgroup/${folder:-unified}"
  done </proc/self/cgroup
}

# A device with all that can be lost, and a neighbour behind it that answers on port 7.
make_network() {
  sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip netns add neighbour
  ip netns exec neighbour sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip link set lo up
  ip link add lan0 type veth peer name eth0 netns neighbour
  ip -n neighbour link set lo up
  ip -n neighbour addr add 10.77.0.1/24 dev eth0
  ip -n neighbour addr add 192.0.2.1/24 dev eth0
  ip -n neighbour link set eth0 up
  ip link set lan0 mtu 1400 alias 'first floor' txqueuelen 500
  ip link property add dev lan0 altname the-port-on-the-left
  sysctl -qw net.ipv4.conf.lan0.rp_filter=2
  ip addr add 192.0.2.10/24 brd + dev lan0 label lan0:a
  ip addr add 2001:db8:1::10/64 dev lan0
  ip link set lan0 up
  ip route add 198.51.100.0/24 via 192.0.2.1 src 192.0.2.10 metric 50
  ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 nud permanent dev lan0
  ip netns exec neighbour busybox nc -ll -p 7 -e /bin/cat </dev/null &>/dev/null &
  wait_until is_answering
  wait_until has_carrier
}

is_answering() { [[ $(ip netns exec neighbour ss -Hltn sport = :7) ]]; }
has_carrier() { [[ $(ip -j link show lan0 | jq -r '.[].operstate') == UP ]]; }

take_picture() {
  ip -d -j link show | jq -S .
  ip -d -j addr show | jq -S .
  ip -d -j -4 route show table all | jq -S .
  ip -d -j -6 route show table all | jq -S .
  ip -d -j neigh show nud permanent | jq -S .
  sysctl --all --pattern '\.(conf|neigh)\.lan0\.' 2>/dev/null
  netlend show --format json | jq -S .
}

# busybox, static or with its libraries.
make_rootfs() {
  local name libraries
  mkdir -p /run/test/rootfs/{bin,dev,proc,sys}
  cp /bin/busybox /run/test/rootfs/bin/
  for name in sh ip nc sleep true; do ln -s busybox "/run/test/rootfs/bin/$name"; done
  libraries=$(ldd /bin/busybox 2>/dev/null | grep --only-matching '/[^ ]*' || true)
  for name in $libraries; do cp --parents --dereference "$name" /run/test/rootfs; done
}

write_rules() {
  local IFS=,
  echo "{\"netlend\": 1, \"allow\": [$*]}" >/etc/netlend/netlend.conf
  chmod 644 /etc/netlend/netlend.conf
}

# ---- what is expected ---------------------------------------------------------------------------

wait_until() {
  local deadline=$((SECONDS + 20))
  until "$@" &>/dev/null; do
    if ((SECONDS >= deadline)); then
      echo "waited in vain: $*"
      return 1
    fi
  done
}

kill_guardian() {
  local guardian
  guardian=$(pgrep netlend-guard)
  kill -KILL "$guardian"
  wait_until is_gone "$guardian"
}
is_gone() { [[ ! -e /proc/$1 || $(ps -o stat= -p "$1") == Z* ]]; }

fails() {
  if "$@"; then
    echo "succeeded: $*"
    return 1
  fi
}

expect() {
  local what=$1 output=$2
  if [[ $output != *"$what"* ]]; then
    echo "expected '$what' in: $output"
    return 1
  fi
}

is_unchanged() {
  take_picture >/run/test/after
  diff --unified=2 /run/test/before /run/test/after | head -60
}

has_no_trace() {
  [[ -z $(find /run/netlend -type f 2>/dev/null) ]] &&
    fails grep -E ' /run/netlend/(pins|staging)/' /proc/self/mountinfo
}

has_no_loans() { [[ -z $(ls /run/netlend/ledgers) ]]; }

is_home() {
  is_unchanged && has_no_trace
}

# ---- running them -------------------------------------------------------------------------------

# run_cases SCRIPT CASE...: the script makes its machine in the function make_machine.
run_cases() {
  local script=$1 case output failed=0
  shift
  case ${NETLEND_STAGE:-} in
    cgroups)
      set -e
      in_own_cgroups env NETLEND_STAGE=case unshare --mount --net --ipc --uts --pid --cgroup --fork \
        --mount-proc --kill-child -- bash "$script" "$programs"
      exit
      ;;
    case)
      set -e
      mount_own_cgroups
      make_machine
      make_network
      take_picture >/run/test/before
      "$NETLEND_CASE"
      exit
      ;;
  esac
  for case in "$@"; do
    if output=$(NETLEND_CASE=$case NETLEND_STAGE=cgroups unshare --mount --cgroup --kill-child -- \
      bash "$script" "$programs" 2>&1); then
      echo "ok   $case"
    else
      echo "FAIL $case"
      echo "       ${output//$'\n'/$'\n'       }"
      failed=$((failed + 1))
    fi
  done
  ((failed == 0))
}
