#!/bin/bash
# netlend-hook as no engine that is well calls it: twice, out of turn, for another's container, while
# somebody hangs.
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/../host/cases.sh"

cases=(
  createRuntime_twice_lends_once
  createRuntime_for_another_container_is_told_who_has_it
  poststop_twice_gives_back_once
  poststop_without_createRuntime_touches_nothing
  poststop_of_another_container_touches_nothing
  who_waits_for_a_hook_that_hangs_is_told_which_process_it_is
  who_waits_for_a_hook_that_hangs_ends_at_his_deadline
  a_hook_that_hangs_while_it_lends_ends_at_its_own_deadline
)

make_machine() {
  make_private_run
  make_private_etc
  write_rules '{"device": "lan*"}'
}

# call_hook STAGE ID [ARGUMENT...]: for the container ID, whose process is $borrower.
call_hook() {
  local stage=$1 id=$2
  shift 2
  state "$id" | "$programs/netlend-hook" "$stage" "$@"
}
state() {
  jq -n --arg id "$1" --argjson pid "$borrower" '
    {ociVersion: "1.0.2", id: $id, status: "creating", pid: $pid, bundle: "/bundles/\($id)",
     annotations: {"io.netlend.nic.eth1": "lan0 addr=10.77.0.2/24"}}'
}

ledgers() { ls /run/netlend/ledgers; }
is_lent() { nsenter --target "$borrower" --net ip addr show dev eth1 | grep 'inet 10.77.0.2/24'; }

# A hook that stands still, with its ledger's lock, until the next SIGCONT; its pid is $hanging.
start_hanging_hook() {
  state c1 >/run/test/state
  strace -o /dev/null -e inject=renameat:signal=SIGSTOP:when=2 "$programs/netlend-hook" \
    createRuntime </run/test/state &
  wait_until has_stopped_hook
  hanging=$(pgrep --oldest netlend-hook)
}
has_stopped_hook() { [[ $(ps -o stat= -C netlend-hook) == *[Tt]* && $(ledgers) ]]; }
continue_hook_to_its_end() { ! kill -CONT "$hanging"; }

# ---- the cases ----------------------------------------------------------------------------------

createRuntime_twice_lends_once() {
  start_borrower
  call_hook createRuntime c1
  ledgers >/run/test/ledgers
  call_hook createRuntime c1
  diff <(ledgers) /run/test/ledgers
  is_lent
  call_hook poststop c1
  is_home
}

createRuntime_for_another_container_is_told_who_has_it() {
  start_borrower
  call_hook createRuntime c1
  start_borrower
  output=$(fails call_hook createRuntime c2 2>&1)
  expect "device 'lan0' is lent to 'c1'" "$output"
  call_hook poststop c1
  is_home
}

poststop_twice_gives_back_once() {
  start_borrower
  call_hook createRuntime c1
  call_hook poststop c1
  is_home
  call_hook poststop c1
  is_home
}

poststop_without_createRuntime_touches_nothing() {
  start_borrower
  call_hook poststop c1
  is_home
}

poststop_of_another_container_touches_nothing() {
  start_borrower
  call_hook createRuntime c1
  call_hook poststop c2
  call_hook poststop c
  # The same id in another bundle is another engine's container.
  state c1 | jq '.bundle = "/bundles/c2"' | "$programs/netlend-hook" poststop
  is_lent
  call_hook poststop c1
  is_home
}

who_waits_for_a_hook_that_hangs_is_told_which_process_it_is() {
  start_borrower
  start_hanging_hook
  output=$(fails call_hook poststop c1 2>&1)
  expect "process $hanging ('netlend-hook') has been working on it for 15000 ms" "$output"
  wait_until continue_hook_to_its_end
  is_lent
  call_hook poststop c1
  is_home
}

who_waits_for_a_hook_that_hangs_ends_at_his_deadline() {
  start_borrower
  start_hanging_hook
  output=$(fails call_hook poststop c1 --deadline 1 2>&1)
  expect 'not done at its deadline' "$output"
  kill -KILL "$hanging" # Its guardian ends what it began.
  wait_until is_home || is_home
}

a_hook_that_hangs_while_it_lends_ends_at_its_own_deadline() {
  local code
  start_borrower
  state c1 >/run/test/state
  # The second one writes that the device is inside.
  output=$(strace -o /dev/null -e inject=renameat:delay_enter=3s:when=2 \
    "$programs/netlend-hook" createRuntime --deadline 1 </run/test/state 2>&1) && code=0 || code=$?
  expect 'not done at its deadline' "$output"
  expect 1 "$code"
  wait_until is_home || is_home # by its guardian
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
