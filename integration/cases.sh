# shellcheck shell=bash
# What the scripts of host and guest share; each sources the cases.sh of its folder, which says how
# a case gets a machine of its own (run_apart) and what lan0 is there (make_lan0). They are called
#   NAME_test.sh FOLDER-OF-THE-PROGRAMS [CASE...]
# and print "ok CASE" or "FAIL CASE" for each. A case is a function whose name is a sentence; it
# succeeds if all its commands do.
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

make_private_etc() {
  cp -a /etc /run/etc
  mount --bind /run/etc /etc
  mkdir -p /etc/netlend
}

# A device with all that can be lost, and a neighbour behind it that answers on port 7.
make_network() {
  sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip netns add neighbour
  ip netns exec neighbour sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip link set lo up
  make_lan0
  ip -n neighbour link set lo up
  ip -n neighbour addr add 10.77.0.1/24 dev eth0
  ip -n neighbour addr add 192.0.2.1/24 dev eth0
  ip -n neighbour link set eth0 up
  furnish lan0
  ip netns exec neighbour busybox nc -ll -p 7 -e /bin/cat </dev/null &>/dev/null &
  wait_until is_answering
  wait_until has_carrier
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
  local deadline=$((SECONDS + 60))
  until "$@" &>/dev/null; do
    if ((SECONDS >= deadline)); then
      echo "waited in vain: $*"
      return 1
    fi
  done
}

# kill_all PID...: and waits for their ends.
kill_all() {
  local pid
  kill -KILL "$@"
  for pid in "$@"; do wait_until is_gone "$pid"; done
}

kill_guardian() { kill_all "$(pgrep netlend-guard)"; }
is_gone() { [[ ! -e /proc/$1 || $(ps -o stat= -p "$1") == Z* ]]; }

# has_left_home PID: into a network namespace of its own.
has_left_home() { [[ -e /proc/$1/ns/net && ! /proc/$1/ns/net -ef /proc/self/ns/net ]]; }

# start_borrower: a process in a network namespace of its own, whose pid is $borrower.
start_borrower() {
  unshare --net sleep 1000000 &
  borrower=$!
  wait_until has_left_home "$borrower"
}

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

# perform CASE: where it is apart from everything else. The script makes its machine in make_machine.
perform() {
  set -e
  make_machine
  make_network
  take_picture >/run/test/before
  "$1"
}

# run_cases SCRIPT CASE...
run_cases() {
  local script=$1 case output code failed=0
  shift
  if [[ ${NETLEND_STAGE:-} ]]; then
    "$NETLEND_STAGE" "$script" "$1"
    exit
  fi
  for case in "$@"; do
    # Not as a condition, in which set -e would mean nothing.
    output=$(run_apart "$script" "$case" 2>&1)
    code=$?
    if ((code == 0)); then
      echo "ok   $case"
      grep '^survived|' <<<"$output" # for the table of integration/fault/run
    else
      echo "FAIL $case"
      echo "       ${output//$'\n'/$'\n'       }"
      failed=$((failed + 1))
    fi
    clean_up
  done
  ((failed == 0))
}
