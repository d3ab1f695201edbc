#!/bin/bash
# netlend-hook under Debian's runc, with the real programs and nothing faked. Each case has a private
# /etc too.
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/runc.sh
source "$(dirname "$0")/../runc.sh"

cases=(
  a_device_is_lent_used_and_comes_home
  while_it_is_lent_it_is_not_at_home_and_is_listed
  a_container_that_is_never_started_gives_it_back
  the_same_container_can_borrow_it_again
  a_plan_in_an_annotation_lends_it_too
  prestart_beside_createRuntime_does_no_harm
  a_made_pair_goes_when_the_container_goes
  a_container_that_asks_for_nothing_runs_as_ever
  a_command_that_is_not_there_brings_it_home
  a_later_hook_that_fails_brings_it_home
  a_second_device_that_is_missing_leaves_the_first_at_home
  a_killed_init_brings_it_home_at_delete
  a_killed_init_brings_it_home_at_once
  a_killed_init_and_guardian_and_no_delete_leave_it_to_reap
  a_guardian_is_gone_when_the_container_is
  a_killed_runc_leaves_it_to_delete
  without_poststop_a_command_that_is_not_there_brings_it_home
  without_poststop_a_later_hook_that_fails_brings_it_home
  a_runc_killed_while_it_creates_brings_it_home
  a_runc_killed_while_the_hook_lends_brings_it_home
  two_containers_of_one_id_have_a_loan_each
  containers_that_share_a_namespace_are_lent_to_once
  containers_that_share_a_namespace_may_be_made_at_once
  an_engine_in_a_mount_namespace_of_its_own_changes_nothing
  a_unit_that_is_stopped_takes_no_guardian_along
  a_killed_hook_brings_it_home
  a_container_that_renames_and_readdresses_it_brings_it_home
  a_device_that_another_container_has_is_refused
  the_device_with_the_default_route_is_refused
  without_a_rule_it_stays_and_the_refusal_says_what_to_type
  what_the_refusal_says_to_type_allows_it_until_it_is_disallowed
  a_rule_by_cgroup_goes_by_where_the_process_is
  a_rule_by_bundle_goes_by_where_symlinks_lead
  a_pair_is_allowed_by_what_its_refusal_says_to_type
  a_rule_of_the_administrators_is_disallowed_by_nobody_else
  a_rule_that_others_could_write_is_no_rule
  a_container_in_the_hosts_network_is_refused
)

# ---- the machine --------------------------------------------------------------------------------

make_machine() {
  make_machine_for_runc '{"device": "lan0"}' \
    '{"veth": true, "host_name": "vh0", "host_addresses": true}'
}

# ---- containers ---------------------------------------------------------------------------------

# signal_hook SIGNAL SYSCALLS N: the filter that sends the hook a signal at the Nth of these calls.
# The search for leaks (preset asan) needs ptrace for itself.
signal_hook() {
  jq -n --arg inject "inject=$2:signal=$1:when=$3" --arg hook "$programs/netlend-hook" '
      ["strace", "-o", "/dev/null", "-e", $inject, $hook, "createRuntime"]
      | {path: "/usr/bin/strace", args: ., env: ["ASAN_OPTIONS=detect_leaks=0"]}' |
    sed 's/^{/.hooks.createRuntime = [{/; s/^}/}]/'
}

is_running() { [[ $(runc state "$1" | jq -r .status) == running ]]; }
has_ledger() { compgen -G "/run/netlend/ledgers/$1-*"; }
continue_hook_to_its_end() { ! pkill -CONT netlend-hook; }

# ---- the cases ----------------------------------------------------------------------------------

a_device_is_lent_used_and_comes_home() {
  make_bundle c1 "$lan0" . sh -c 'ip addr show dev eth1; echo hello neighbour | nc 10.77.0.1 7'
  output=$(run_container c1)
  expect 'inet 10.77.0.2/24' "$output"
  expect 'hello neighbour' "$output"
  is_home
}

while_it_is_lent_it_is_not_at_home_and_is_listed() {
  start_container c1 "$lan0"
  fails ip link show lan0
  fails ip link show the-port-on-the-left
  expect c1 "$(netlend loans)"
  runc kill c1 KILL
  wait_until is_gone "$(init_pid c1)"
  runc delete c1
  is_home
  [[ $(netlend loans) != *c1* ]]
}

a_container_that_is_never_started_gives_it_back() {
  make_bundle c1 "$lan0" . true
  create_container c1
  fails ip link show lan0
  runc delete --force c1
  is_home
}

the_same_container_can_borrow_it_again() {
  make_bundle c1 "$lan0" . sh -c 'echo again | nc 10.77.0.1 7'
  for _ in 1 2 3; do
    expect again "$(run_container c1)"
    is_home
  done
}

a_plan_in_an_annotation_lends_it_too() {
  plan='{"netlend": 1, "nics": [{"inside": "eth1", "source": "alt:the-port-on-the-left",
         "addresses": ["10.77.0.2/24"], "gateways": [{"address": "10.77.0.1"}]}]}'
  make_bundle c1 "$(jq -n --arg plan "$plan" '{"io.netlend.plan": $plan}')" . ip route
  expect 'default via 10.77.0.1 dev eth1' "$(run_container c1)"
  is_home
}

prestart_beside_createRuntime_does_no_harm() {
  make_bundle c1 "$lan0" '.hooks.prestart = .hooks.createRuntime' sh -c 'echo once | nc 10.77.0.1 7'
  expect once "$(run_container c1)"
  is_home
}

a_made_pair_goes_when_the_container_goes() {
  start_container c1 \
    '{"io.netlend.nic.eth1": "veth:vh0 addr=10.88.0.2/24 gw=10.88.0.1 host-addr=10.88.0.1/24"}'
  expect 10.88.0.1/24 "$(ip addr show dev vh0)"
  expect 'inet 10.88.0.2/24' "$(runc exec c1 ip addr show dev eth1)"
  expect 'default via 10.88.0.1' "$(runc exec c1 ip route)"
  runc delete --force c1
  is_home
}

a_container_that_asks_for_nothing_runs_as_ever() {
  make_bundle c1 '{"org.example.nic": "lan0"}' . ip -o link
  output=$(run_container c1)
  expect 'lo:' "$output"
  [[ $output != *eth1* ]]
  is_home
}

a_command_that_is_not_there_brings_it_home() {
  make_bundle c1 "$lan0" . /bin/nosuchcommand
  fails run_container c1
  is_home
}

a_later_hook_that_fails_brings_it_home() {
  make_bundle c1 "$lan0" '.hooks.createRuntime += [{path: "/bin/false"}]' true
  fails run_container c1
  is_home
}

a_second_device_that_is_missing_leaves_the_first_at_home() {
  make_bundle c1 '{"io.netlend.nic.eth1": "lan0", "io.netlend.nic.eth2": "nosuch0"}' . true
  output=$(fails run_container c1 2>&1)
  expect nosuch0 "$output"
  is_home
}

a_killed_init_brings_it_home_at_delete() {
  start_container c1 "$lan0"
  kill_guardian
  kill -KILL "$(init_pid c1)"
  runc delete --force c1
  is_home
}

a_killed_init_brings_it_home_at_once() {
  start_container c1 "$lan0"
  kill -KILL "$(init_pid c1)"
  wait_until is_home
  runc delete --force c1
  is_home
}

a_killed_init_and_guardian_and_no_delete_leave_it_to_reap() {
  start_container c1 "$lan0"
  kill_guardian
  pid=$(init_pid c1)
  kill -KILL "$pid"
  wait_until is_gone "$pid"
  fails ip link show lan0
  netlend reap
  is_home
  runc delete --force c1
  is_home
}

a_guardian_is_gone_when_the_container_is() {
  start_container c1 "$lan0"
  guardian=$(pgrep netlend-guard)
  runc kill c1 KILL
  wait_until fails is_running c1
  runc delete c1
  is_home
  wait_until is_gone "$guardian"
}

a_killed_runc_leaves_it_to_delete() {
  make_bundle c1 "$lan0" . sleep 1000000
  run_container c1 &
  wait_until is_running c1
  kill -KILL "$(pgrep --full 'runc .*run --bundle')"
  runc delete --force c1
  is_home
}

# What podman is: it calls no poststop after these.
without_poststop_a_command_that_is_not_there_brings_it_home() {
  make_bundle c1 "$lan0" 'del(.hooks.poststop)' /bin/nosuchcommand
  fails run_container c1
  wait_until is_home
}

without_poststop_a_later_hook_that_fails_brings_it_home() {
  make_bundle c1 "$lan0" 'del(.hooks.poststop) | .hooks.createRuntime += [{path: "/bin/false"}]' true
  fails run_container c1
  wait_until is_home
}

a_runc_killed_while_it_creates_brings_it_home() {
  hang='{path: "/bin/sh", args: ["sh", "-c", "echo >/run/test/reached; exec sleep 1000000"]}'
  make_bundle c1 "$lan0" ".hooks.createRuntime += [$hang]" true
  create_container c1 &
  wait_until test -e /run/test/reached
  fails ip link show lan0
  kill -KILL "$(pgrep --full 'runc .*create --bundle')"
  wait_until is_home
}

a_runc_killed_while_the_hook_lends_brings_it_home() {
  make_bundle c1 "$lan0" "$(signal_hook SIGSTOP renameat 2)" true
  create_container c1 &
  wait_until has_ledger c1
  # What lending needs, NET_ADMIN, NET_RAW, SYS_CHROOT, SYS_PTRACE and SYS_ADMIN, and for the
  # guardian SETPCAP and DAC_OVERRIDE.
  expect 00000000002c3102 "$(grep CapEff "/proc/$(pgrep --oldest netlend-hook)/status")"
  kill -KILL "$(pgrep --full 'runc .*create --bundle')"
  wait_until fails pgrep --full 'runc init'
  wait_until continue_hook_to_its_end
  wait_until is_home
}

two_containers_of_one_id_have_a_loan_each() {
  ip link add lan1 type veth peer name far1
  take_picture >/run/test/before
  write_rules '{"device": "lan*"}'
  start_container c1 "$lan0"
  make_bundle other/c1 '{"io.netlend.nic.eth1": "lan1"}' . sleep 1000000
  command runc --root /run/runc2 create --bundle /run/test/other/c1 c1 </dev/null
  expect '2 ' "$(netlend loans --format json | jq '.loans | length') "
  runc delete --force c1
  ip link show lan0
  fails ip link show lan1
  command runc --root /run/runc2 delete --force c1
  is_home
}

# Of a pod each container has the annotations of all.
containers_that_share_a_namespace_are_lent_to_once() {
  start_container c1 "$lan0"
  share=".linux.namespaces |= map(if .type == \"network\" then .path = \"/proc/$(init_pid c1)/ns/net\" else . end)"
  make_bundle c2 "$lan0" "$share" ip addr show dev eth1
  expect 'inet 10.77.0.2/24' "$(run_container c2)"
  expect 'inet 10.77.0.2/24' "$(runc exec c1 ip addr show dev eth1)"
  runc delete --force c1
  is_home
}

containers_that_share_a_namespace_may_be_made_at_once() {
  local id pid pids
  ip netns add pod
  take_picture >/run/test/before
  for _ in 1 2 3; do
    for id in c1 c2 c3; do
      make_bundle $id "$lan0" \
        '.linux.namespaces |= map(if .type == "network" then .path = "/run/netns/pod" else . end)' \
        sleep 1000000
    done
    pids=()
    for id in c1 c2 c3; do
      create_container $id &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    for id in c1 c2 c3; do runc delete --force $id; done
    is_home
  done
}

# What the engine mounts in there ends with it; the pin must not.
an_engine_in_a_mount_namespace_of_its_own_changes_nothing() {
  make_bundle c1 "$lan0" . sleep 1000000
  unshare --mount --propagation private \
    runc --root /run/runc create --bundle /run/test/c1 c1 </dev/null
  expect /run/netlend/pins/c1- "$(cat /proc/self/mountinfo)"
  expect "$(readlink /proc/self/ns/mnt)" "$(readlink "/proc/$(pgrep netlend-guard)/ns/mnt")"
  runc start c1
  runc delete --force c1
  is_home
}

# As systemd does it with KillMode=control-group, at the latest after TimeoutStopSec.
a_unit_that_is_stopped_takes_no_guardian_along() {
  unit=$(findmnt --noheadings --first-only --output TARGET --types cgroup2)/unit
  mkdir "$unit"
  (
    echo "$BASHPID" >"$unit/cgroup.procs"
    make_bundle c1 "$lan0" '.linux.cgroupsPath = "/unit/c1"' sleep 1000000
    create_container c1
  )
  fails ip link show lan0
  expect "$(init_pid c1)" "$(cat "$unit/c1/cgroup.procs")"
  begin=$(date +%s%N)
  echo 1 >"$unit/cgroup.kill"
  wait_until grep -q 'populated 0' "$unit/cgroup.events"
  (($(date +%s%N) - begin < 1000000000))
  wait_until is_home
}

a_killed_hook_brings_it_home() {
  local request=1
  make_bundle c1 "$lan0" "$(signal_hook SIGKILL sendmsg,sendto $request)" true
  until create_container c1; do
    ((request < 1000))
    is_unchanged
    # Killed between its lease and its ledger, it leaves a file that holds nothing.
    netlend reap
    is_home
    request=$((request + 3))
    make_bundle c1 "$lan0" "$(signal_hook SIGKILL sendmsg,sendto $request)" true
  done
  runc delete --force c1
  is_home
  ((request > 10))
}

a_container_that_renames_and_readdresses_it_brings_it_home() {
  make_bundle c1 "$lan0" '.process.capabilities |= map_values(. + ["CAP_NET_ADMIN", "CAP_NET_RAW"])' sh -ec '
    ip link set eth1 down
    ip link set eth1 name lan0
    ip link set lan0 address 02:00:00:00:00:99 mtu 1300
    ip addr add 203.0.113.1/24 dev lan0
    ip link set lan0 up
    ip route add default via 203.0.113.2'
  run_container c1
  is_home
}

a_device_that_another_container_has_is_refused() {
  start_container c1 "$lan0"
  make_bundle c2 "$lan0" . true
  output=$(fails run_container c2 2>&1)
  expect c1 "$output"
  expect 10.77.0.2/24 "$(runc exec c1 ip addr show dev eth1)"
  runc delete --force c1
  is_home
}

the_device_with_the_default_route_is_refused() {
  ip route add default via 192.0.2.1
  take_picture >/run/test/before
  make_bundle c1 "$lan0" . true
  output=$(fails run_container c1 2>&1)
  expect 'default route' "$output"
  is_home
}

without_a_rule_it_stays_and_the_refusal_says_what_to_type() {
  write_rules '{"device": "wan*"}' '{"device": "lan0", "to": "c2"}'
  make_bundle c1 "$lan0" . true
  output=$(fails run_container c1 2>&1)
  expect "netlend allow 'lan0' --to 'c1' --inside 'eth1' --address 10.77.0.2/32" "$output"
  is_home
}

a_rule_by_cgroup_goes_by_where_the_process_is() {
  local path
  write_rules '{"device": "lan0", "cgroup": "/lan/*"}'
  for path in /lan/db1 lan/db1 /dmz/../lan//db1/; do
    make_bundle db1 "$lan0" ".linux.cgroupsPath = \"$path\"" true
    run_container db1
    is_home
  done
  for path in /lan /lan2/db1 /lan/../db1 ../lan2/db1; do
    make_bundle db1 "$lan0" ".linux.cgroupsPath = \"$path\"" true
    output=$(fails run_container db1 2>&1)
    expect 'lets an annotation ask for it from cgroup ' "$output"
    is_home
  done
}

a_rule_by_bundle_goes_by_where_symlinks_lead() {
  write_rules '{"device": "lan0", "bundle": "/run/test/db*"}'
  make_bundle db1 "$lan0" . true
  run_container db1
  is_home
  mv /run/test/db1 /run/test/other
  ln -s other /run/test/db1
  output=$(fails run_container db1 2>&1)
  expect "and bundle '/run/test/other'; if it may" "$output"
  ln -s db2 /run/test/link
  mv /run/test/other /run/test/db2
  runc run --bundle /run/test/link db1 </dev/null
  is_home
}

# What the refusal of a container tells to type, as it is typed: by a shell.
refused_command() {
  local output
  output=$(fails run_container "$1" 2>&1)
  expect 'lets an annotation ask for it; if it may, type: netlend allow ' "$output"
  output=${output##*type: }
  # runc has quoted it for its log.
  echo "${output%%[\\\"$'\n']*}"
}

what_the_refusal_says_to_type_allows_it_until_it_is_disallowed() {
  rm -r /etc/netlend
  make_bundle c1 "$lan0" . true
  make_bundle c2 "$lan0" . true
  command=$(refused_command c1)
  [[ $command == "netlend allow 'lan0' --to 'c1' --inside 'eth1' --address 10.77.0.2/32" ]]
  eval "$command"
  run_container c1
  is_home
  for words in 'lan0 addr=10.77.0.3/24' 'lan0 addr=10.77.0.2/24 keep=addresses'; do
    make_bundle c1 "$(jq -n --arg spec "$words" '{"io.netlend.nic.eth1": $spec}')" . true
    fails run_container c1
  done
  make_bundle c1 "$lan0" . true
  refused_command c2
  eval "${command/allow/disallow}"
  [[ $(refused_command c1) == "$command" ]]
  is_home
  [[ -z $(find /etc/netlend -type f) ]]
}

a_pair_is_allowed_by_what_its_refusal_says_to_type() {
  rm -r /etc/netlend
  ip link add br0 type bridge
  for words in '' 'vh&id' 'vh* host-addr=10.88.0.1/24' 'vh0 bridge=br0'; do
    make_bundle c1 "$(jq -n --arg spec "veth:$words" '{"io.netlend.nic.eth1": $spec}')" . true
    command=$(refused_command c1)
    eval "$command"
    run_container c1
    eval "${command/allow/disallow}"
    [[ $(refused_command c1) == "$command" ]]
  done
  ip link del br0
  is_home
}

a_rule_of_the_administrators_is_disallowed_by_nobody_else() {
  output=$(fails netlend disallow lan0 2>&1)
  expect "it stands in '/etc/netlend/netlend.conf'" "$output"
  output=$(fails netlend disallow 'lan?' 2>&1)
  expect "no file in '/etc/netlend' has it" "$output"
  make_bundle c1 "$lan0" . true
  run_container c1
  is_home
}

a_rule_that_others_could_write_is_no_rule() {
  chmod 666 /etc/netlend/netlend.conf
  make_bundle c1 "$lan0" . true
  output=$(fails run_container c1 2>&1)
  expect "'/etc/netlend/netlend.conf' belongs to user 0 and has mode 0666" "$output"
  is_home
}

a_container_in_the_hosts_network_is_refused() {
  make_bundle c1 "$lan0" '.linux.namespaces |= map(select(.type != "network"))' true
  output=$(fails run_container c1 2>&1)
  expect "in the host's own network namespace" "$output"
  is_home
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
