#!/bin/bash
# The programs, ended half way by a signal, or short of descriptors: the device is lent, and a ledger
# says so, or it is at home; and after the borrower's death one reap makes all what it was.
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/../host/cases.sh"

cases=(
  a_signal_half_way_through_lend_leaves_what_one_reap_mends
  a_signal_half_way_through_return_leaves_what_one_reap_mends
  a_signal_half_way_through_the_hook_leaves_what_one_reap_mends
  a_signal_half_way_through_the_poststop_hook_leaves_what_one_reap_mends
  a_guardian_killed_half_way_through_its_return_leaves_what_one_reap_mends
  without_descriptors_lend_leaves_what_one_reap_mends
  without_descriptors_return_leaves_what_one_reap_mends
  without_descriptors_the_hook_leaves_what_one_reap_mends
)

signals=(TERM INT HUP ALRM KILL)
# What changes something, or waits for somebody. Each of these is where a signal may come.
calls=sendto,recvfrom,renameat,fsync,linkat,mount,move_mount,unlinkat,clone3,clone,pidfd_open

make_machine() {
  make_private_run
  make_private_etc
  write_rules '{"device": "lan*"}'
}

# ---- what is done half way ----------------------------------------------------------------------

state() {
  jq -n --argjson pid "$borrower" '
    {ociVersion: "1.0.2", id: "c1", status: "creating", pid: $pid, bundle: "/bundles/c1",
     annotations: {"io.netlend.nic.eth1": "lan0 addr=10.77.0.2/24"}}'
}

# Each: before_ACT makes what it needs, and act_ACT COMMAND... calls the program by that command.
before_lend() { start_borrower; }
act_lend() { "$@" "$programs/netlend" lend lan0 --to "pid:$borrower" 'name=eth1 addr=10.77.0.2/24'; }

before_return() {
  start_borrower
  act_lend env
}
act_return() { "$@" "$programs/netlend" return lan0; }

before_hook() {
  start_borrower
  state >/run/test/state
}
act_hook() { "$@" "$programs/netlend-hook" createRuntime </run/test/state; }

before_poststop() {
  before_hook
  act_hook env
}
act_poststop() { "$@" "$programs/netlend-hook" poststop </run/test/state; }

# ---- what is expected ---------------------------------------------------------------------------

# Lent, or on its way home, and a ledger says so; or at home, though it may not yet be what it was.
is_answered_for_or_here() {
  [[ $(ls /run/netlend/ledgers) ]] || ip link show the-port-on-the-left
}

one_reap_mends_it() {
  wait_until is_answered_for_or_here # A guardian may be moving it.
  kill_all "$borrower"
  netlend reap
  is_home
}

# survived FAULT ACT TIMES
survived() {
  local act=$2
  case $act in
    hook) act=lend ;;
    return | poststop) act='give back' ;;
  esac
  echo "survived|$1|$act|$3"
}

# ---- signals ------------------------------------------------------------------------------------

trace_calls() {
  "before_$1"
  "act_$1" strace -qq -o /run/test/trace -e "trace=$calls"
  one_reap_mends_it
}

# signal_at SIGNAL PART PARTS: what makes strace send it so far through the traced calls. It counts
# the calls of each name by themselves.
signal_at() {
  awk -v signal="$1" -v part="$2" -v parts="$3" '
    match($0, /^[a-z0-9_]+\(/) { name[++count] = substr($0, 1, RLENGTH - 1) }
    END {
      last = 1 + int(part * count / parts)
      for (i = 1; i <= last; ++i) times += name[i] == name[last]
      print "inject=" name[last] ":signal=" signal ":when=" times
    }' /run/test/trace
}

# Each signal in so many places, from the first call to the last.
signals_half_way() {
  local act=$1 places=2 times=0 signal place filter code ended=0
  trace_calls "$act"
  [[ ! ${NETLEND_SOAK:-} ]] || places=30
  for signal in "${!signals[@]}"; do
    for ((place = 0; place < places; place++)); do
      # No two signals at the same calls.
      filter=$(signal_at "${signals[signal]}" $((place * ${#signals[@]} + signal)) \
        $((places * ${#signals[@]})))
      "before_$act"
      code=0
      "act_$act" strace -I 1 -qq -o /dev/null -e "$filter" &>/run/test/output || code=$?
      ((code == 0)) || ended=$((ended + 1))
      one_reap_mends_it
      times=$((times + 1))
    done
  done
  echo "ended $ended of $times"
  # Who asks the kernel less often than the one that was traced may be done before.
  ((2 * ended > times))
  survived 'SIGTERM, SIGINT, SIGHUP, SIGALRM or SIGKILL half way' "$act" "$times"
}

a_signal_half_way_through_lend_leaves_what_one_reap_mends() { signals_half_way lend; }
a_signal_half_way_through_return_leaves_what_one_reap_mends() { signals_half_way return; }
a_signal_half_way_through_the_hook_leaves_what_one_reap_mends() { signals_half_way hook; }
a_signal_half_way_through_the_poststop_hook_leaves_what_one_reap_mends() {
  signals_half_way poststop
}

# ---- a guardian that is killed ------------------------------------------------------------------

is_traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$1/status"; }

# guardian_gives_back STRACE-OPTION...: until its end, whatever that is.
guardian_gives_back() {
  local guardian tracer
  before_return
  guardian=$(pgrep netlend-guard)
  strace -q -p "$guardian" "$@" &
  tracer=$!
  wait_until is_traced "$guardian"
  kill_all "$borrower"
  wait "$tracer" || true
  wait_until fails pgrep netlend-guard
}

a_guardian_killed_half_way_through_its_return_leaves_what_one_reap_mends() {
  local place places=4 killed=0
  guardian_gives_back -o /run/test/trace -e "trace=$calls"
  is_home
  [[ ! ${NETLEND_SOAK:-} ]] || places=30
  for ((place = 0; place < places; place++)); do
    guardian_gives_back -o /run/test/killed -e "$(signal_at KILL "$place" "$places")"
    ! grep 'killed by SIGKILL' /run/test/killed || killed=$((killed + 1))
    netlend reap
    is_home
  done
  ((2 * killed > places))
  survived 'SIGKILL of a guardian that gives back' return "$killed"
}

# ---- descriptors --------------------------------------------------------------------------------

# with_ever_more_descriptors ACT: until there are enough. Each is once the first that isn't to be had,
# but for those that the programs' own loading needs.
with_ever_more_descriptors() {
  local act=$1 limit code times=0
  for ((limit = 5; ; limit++)); do
    "before_$act"
    code=0
    "act_$act" prlimit "--nofile=$limit" &>/run/test/output || code=$?
    one_reap_mends_it
    ((code != 0)) || break
    times=$((times + 1))
  done
  ((times > 5))
  survived 'one descriptor too few, be it which it may' "$act" "$times"
}

without_descriptors_lend_leaves_what_one_reap_mends() { with_ever_more_descriptors lend; }
without_descriptors_return_leaves_what_one_reap_mends() { with_ever_more_descriptors return; }
without_descriptors_the_hook_leaves_what_one_reap_mends() { with_ever_more_descriptors hook; }

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
