#!/bin/bash
# The verbs of netlend, with the real program and nothing faked.
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/cases.sh"

cases=(
  a_command_uses_the_device_and_it_comes_home
  the_exit_code_is_the_commands
  a_killed_netlend_has_left_a_guardian_that_brings_it_home
  a_killed_netlend_and_its_guardian_leave_it_to_reap
  a_terminated_netlend_brings_it_home
  a_made_pair_joins_its_bridge_and_goes_with_the_command
  a_plan_changes_nothing
  a_plan_with_force_says_what_is_lost_and_refuses_nothing
  a_plan_of_nothing_is_no_plan
  a_refused_plan_fails
  by_hand_it_goes_to_a_named_namespace_and_returns
  by_hand_it_goes_to_a_process_and_returns
  a_path_below_proc_is_its_process
  it_is_returned_from_another_mount_namespace
  by_hand_it_goes_to_a_running_container_and_is_reaped_after_it
  it_is_lent_by_altname_and_by_address
  it_is_returned_by_every_name_that_it_has
  by_hand_no_guardian_stays_where_the_configuration_says_so
  two_devices_of_a_plan_file_go_and_come_together
  what_its_borrower_deleted_is_said_once
  how_a_device_comes_home_is_said_of_each_as_it_is
  root_of_a_user_namespace_is_told_that_it_is_not_the_machines
  what_cannot_come_home_is_forgotten_where_asked
  what_the_living_hold_is_taken_only_if_asked
  a_device_that_is_away_is_listed_with_its_borrower
  what_another_home_lent_is_listed_there
  two_looks_at_the_same_are_the_same
  the_doctor_says_what_is_there_and_what_is_missing
  every_step_is_told_with_debug
  errors_go_into_the_log_too
  a_wrong_command_line_is_refused
  a_wrong_run_is_refused_with_125
  a_bundle_is_injected_only_for_mode_kernel
  a_wrong_device_is_refused
  a_wrong_borrower_is_refused
  a_wrong_plan_file_is_refused
  a_device_that_is_lent_already_is_refused
  the_device_with_the_default_route_goes_only_by_force
  what_is_lost_by_force_is_said_twice_and_no_more
  a_damaged_ledger_is_put_aside_and_its_device_comes_home
  a_ledger_that_nobody_can_read_is_named_and_given_up_by_its_name
  a_state_folder_that_others_can_write_is_refused
  a_list_that_cannot_be_written_is_an_error
  closed_descriptors_do_no_harm
  help_needs_no_root_and_leaves_no_trace
)

make_machine() {
  make_private_run
  cd /run/test
}

# ---- what is expected ---------------------------------------------------------------------------

# refuses CODE SENTENCE ARGUMENT...: one line on stderr with the sentence in it, and nothing else.
refuses() {
  local wanted=$1 sentence=$2 code=0
  shift 2
  netlend "$@" >/run/test/out 2>/run/test/err || code=$?
  local errors
  errors=$(</run/test/err)
  if [[ $code != "$wanted" || -s /run/test/out || $errors != "netlend: "* || $errors == *$'\n'* ]]; then
    echo "netlend $*: exit code $code, '$(</run/test/out)', '$errors'"
    return 1
  fi
  expect "$sentence" "$errors"
}

# exits CODE COMMAND...
exits() {
  local wanted=$1 code=0
  shift
  "$@" || code=$?
  if [[ $code != "$wanted" ]]; then
    echo "exit code $code of: $*"
    return 1
  fi
}

# A container that runs until finish_run.
start_run() {
  mkfifo /run/test/fifo
  "$programs/netlend" run --name box "$@" -- sh -c 'echo started; read -r _' </run/test/fifo >/run/test/out &
  run=$!
  exec 3>/run/test/fifo
  wait_until grep started /run/test/out
}

finish_run() {
  echo >&3
  wait "$run"
}

# The one guardian that there is.
kill_guardian() {
  local guardian
  guardian=$(jq .ledger.guardian.pid /run/netlend/ledgers/*)
  kill -KILL "$guardian"
  wait_until is_gone "$guardian"
}

is_inside() { ip -n "$1" -j addr show dev eth0 | jq -e '.[].addr_info[] | select(.local == "10.77.0.2")' >/dev/null; }

# ---- run ----------------------------------------------------------------------------------------

spec='eth0=lan0 addr=10.77.0.2/24 gw=10.77.0.1'

a_command_uses_the_device_and_it_comes_home() {
  output=$(netlend run --nic "$spec" -- sh -c '
    ip -o addr show dev eth0; ip route; echo hello neighbour | socat - TCP:10.77.0.1:7')
  expect 'inet 10.77.0.2/24' "$output"
  expect 'default via 10.77.0.1 dev eth0' "$output"
  expect 'hello neighbour' "$output"
  is_home
}

the_exit_code_is_the_commands() {
  exits 0 netlend run -- true
  exits 7 netlend run --nic "$spec" -- sh -c 'exit 7'
  exits 137 netlend run --nic "$spec" -- sh -c 'kill -KILL $$'
  refuses 127 nosuchcommand run --nic "$spec" -- nosuchcommand
  refuses 126 /etc/hostname run --nic "$spec" -- /etc/hostname
  is_home
}

a_killed_netlend_has_left_a_guardian_that_brings_it_home() {
  start_run --nic "$spec"
  kill -KILL "$run"
  exits 137 wait "$run"
  wait_until has_no_loans
  is_unchanged
  netlend run --name box -- true
  is_home
}

a_killed_netlend_and_its_guardian_leave_it_to_reap() {
  start_run --nic "$spec"
  kill_guardian
  kill -KILL "$run"
  exits 137 wait "$run"
  wait_until sh -c "'$programs/netlend' loans | grep reap"
  netlend reap
  is_home
}

a_terminated_netlend_brings_it_home() {
  start_run --nic "$spec"
  kill -TERM "$run"
  exits 143 wait "$run"
  is_home
}

a_made_pair_joins_its_bridge_and_goes_with_the_command() {
  ip link add br0 type bridge
  ip link set br0 up
  start_run --nic 'eth0=veth:vh0 bridge=br0 addr=10.88.0.2/24'
  [[ $(ip -j link show vh0 | jq -r '.[].master') == br0 ]]
  finish_run
  fails ip link show vh0
  has_no_trace
}

# ---- plan ---------------------------------------------------------------------------------------

a_plan_changes_nothing() {
  output=$(netlend plan run --nic "$spec" -- nosuchcommand)
  expect "device 'lan0' leaves here and is 'eth0' inside" "$output"
  is_home
  output=$(netlend plan lend lan0 --to netns:neighbour name=eth9)
  expect "is 'eth9' inside" "$output"
  netlend plan run --nic "$spec" --format json | jq -e '
    .netlend == 1 and .devices[0].inside == "eth0" and .devices[0].refusals == []' >/dev/null
  is_home
}

a_plan_with_force_says_what_is_lost_and_refuses_nothing() {
  ip route add default via 192.0.2.1
  expect "'--force' lends it all" "$(exits 1 netlend plan run --nic eth0=lan0)"
  expect "'--force' lends it all" "$(exits 1 netlend plan lend lan0 --to netns:neighbour name=eth9)"
  output=$(netlend plan run --force --nic eth0=lan0)$(netlend plan lend lan0 --to netns:neighbour --force name=eth9)
  expect "device 'lan0' leaves here" "$output"
  [[ $output != *refused* ]]
  ip route del default
  is_home
}

a_plan_of_nothing_is_no_plan() {
  refuses 2 'plan run: of what? Name a device' plan run
  refuses 2 'plan run: of what? Name a device' plan run --force
  [[ $(netlend plan run -- true) == 'nothing is lent' ]]
}

a_refused_plan_fails() {
  output=$(exits 1 netlend plan run --nic eth0=nosuch0)
  expect nosuch0 "$output"
  output=$(exits 1 netlend plan lend lan0 --to netns:neighbour name=eth0)
  expect "the name 'eth0' is taken" "$output"
  is_home
}

# ---- lend and return ----------------------------------------------------------------------------

by_hand_it_goes_to_a_named_namespace_and_returns() {
  ip netns add blue
  netlend lend lan0 --to netns:blue 'name=eth0 addr=10.77.0.2/24'
  is_inside blue
  fails ip link show lan0
  netlend return lan0
  is_home
}

# A process with a network namespace of its own.
start_sleeper() {
  unshare --net sleep 1000000 &
  pid=$!
  wait_until sh -c "[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]"
}

# No mount ends with it, which a guardian could be told of.
a_path_below_proc_is_its_process() {
  start_sleeper
  netlend lend lan0 --to "netns:/proc/$pid/ns/net" name=eth0
  fails ip link show lan0
  kill "$pid"
  wait_until has_no_loans
  is_home
  start_sleeper
  ln -s "/proc/$pid/ns/net" /run/test/link
  refuses 1 'name the process by --to pid:N' lend lan0 --to netns:/run/test/link name=eth0
  kill "$pid"
}

it_is_returned_from_another_mount_namespace() {
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0
  unshare --mount "$programs/netlend" return lan0
  is_home
  netlend lend lan0 --to netns:blue name=eth0
  unshare --mount "$programs/netlend" reap --all --yes
  is_home
}

by_hand_it_goes_to_a_process_and_returns() {
  start_sleeper
  netlend lend lan0 --to "pid:$pid" name=eth0 addr=10.77.0.2/24
  expect "pid-$pid (pid $pid)" "$(netlend loans)"
  netlend return "pid-$pid"
  kill "$pid"
  is_home
}

by_hand_it_goes_to_a_running_container_and_is_reaped_after_it() {
  start_run
  netlend lend lan0 --to box name=eth0 addr=10.77.0.2/24
  fails ip link show lan0
  kill_guardian
  finish_run
  fails ip link show lan0
  netlend reap
  is_home
}

it_is_lent_by_altname_and_by_address() {
  ip netns add blue
  mac=$(ip -j link show lan0 | jq -r '.[].address')
  for source in alt:the-port-on-the-left "mac:$mac"; do
    netlend lend "$source" --to netns:blue name=eth0 addr=10.77.0.2/24
    is_inside blue
    netlend return eth0
    is_home
    expect "is 'lan0' inside" "$(netlend plan lend "$source" --to netns:blue)"
    netlend lend "$source" --to netns:blue
    ip -n blue link show dev lan0 >/dev/null
    netlend return lan0
    is_home
  done
}

it_is_returned_by_every_name_that_it_has() {
  ip netns add blue
  mac=$(ip -j link show lan0 | jq -r '.[].address')
  for name in lan0 the-port-on-the-left eth0 blue dev:lan0 alt:the-port-on-the-left "mac:$mac" \
    netns:blue netns:/run/netns/blue 'lan0 blue'; do
    netlend lend lan0 --to netns:blue name=eth0
    # shellcheck disable=SC2086
    netlend return $name
    is_home
  done
}

by_hand_no_guardian_stays_where_the_configuration_says_so() {
  ip netns add blue
  cp -a /etc /run/test/etc
  mount --bind /run/test/etc /etc
  mkdir -p /etc/netlend
  echo '{"netlend": 1, "guardian": false}' >/etc/netlend/netlend.conf
  netlend lend lan0 --to netns:blue
  jq -e '.ledger | has("guardian") | not' /run/netlend/ledgers/blue-* >/dev/null
  ip netns del blue
  expect "by 'netlend reap'" "$(netlend loans)"
  netlend reap
  is_home
}

two_devices_of_a_plan_file_go_and_come_together() {
  ip netns add blue
  ip link add lan1 type veth peer name other1
  take_picture >/run/test/before
  echo '{"netlend": 1, "nics": [{"inside": "eth0", "source": "lan0"},
                                {"inside": "eth1", "source": "lan1"}]}' >plan.json
  netlend lend --plan plan.json --to netns:blue
  [[ $(netlend loans --format json | jq '.loans | length') == 2 ]]
  netlend return lan1
  is_home
}

what_its_borrower_deleted_is_said_once() {
  ip netns add blue
  ip link add lan1 type veth peer name other1
  netlend lend lan1 --to netns:blue
  ip -n blue link del lan1
  refuses 1 'was deleted' return lan1
  netlend reap --all --yes
  [[ -z $(netlend loans) ]]
  is_home
}

how_a_device_comes_home_is_said_of_each_as_it_is() {
  ip netns add blue
  ip netns add far
  ip -n far link add far1 type ifb
  ip link add br0 type bridge
  ip link add lan1 type veth peer name other1
  ip link set lan1 master br0
  netlend lend lan1 --to netns:blue
  nsenter --net=/run/netns/far "$programs/netlend" lend far1 --to netns:blue
  [[ $(netlend loans | grep -c 'when the borrower ends$') == 2 ]]
  ip -n blue link del far1
  ip link del br0
  expect "bridge 'br0' is gone" "$(exits 1 netlend return lan1 2>&1)"
  output=$(netlend loans)
  expect "when it is found again, or 'netlend return --forget'" "$(grep '^far1' <<<"$output")"
  expect "by 'netlend reap': it is there, but not as it was" "$(grep '^lan1' <<<"$output")"
  [[ $(netlend loans --format json | jq -c '[.loans[].home_by] | sort') == '["repair","search"]' ]]
  expect "comes home by 'netlend reap': it is there" "$(netlend show | tr -s ' \n' '  ')"
  # While somebody is at it.
  local locks=(/run/netlend/ledgers/.*.lock)
  output=$(flock "${locks[0]}" flock "${locks[1]}" "$programs/netlend" loans)
  expect 'now, by its guardian' "$(grep '^lan1' <<<"$output")"
  netlend return --forget lan1 far1 2>/dev/null
  ip netns del far
  ip link del lan1
  is_home
}

root_of_a_user_namespace_is_told_that_it_is_not_the_machines() {
  for verb in 'run -- true' loans 'lend lan0 --to netns:neighbour'; do
    # shellcheck disable=SC2086 # the verb's words
    output=$(fails unshare --user --map-root-user "$programs/netlend" $verb 2>&1)
    expect "only root of the machine can lend its network devices" "$output"
  done
  is_home
}

what_cannot_come_home_is_forgotten_where_asked() {
  ip netns add blue
  for reason in deleted homeless; do
    ip netns add far
    ip -n far link add far1 type ifb
    nsenter --net=/run/netns/far "$programs/netlend" lend far1 --to netns:blue
    if [[ $reason == deleted ]]; then
      ip -n blue link del far1
    else
      kill_guardian  # It keeps its home alive.
      ip netns del far
    fi
    refuses 1 'netlend return --forget far1' return far1
    refuses 1 'netlend return --forget far1' reap --all --yes
    output=$(netlend return --forget far1 2>&1)
    expect "netlend: " "$output"
    [[ -z $(netlend loans) ]]
    [[ $reason == homeless ]] || ip netns del far
  done
  is_home
}

what_the_living_hold_is_taken_only_if_asked() {
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0 addr=10.77.0.2/24
  netlend reap
  is_inside blue
  refuses 2 'add --yes' reap --all </dev/null
  output=$(echo n | exits 1 script -qec "'$programs/netlend' reap --all" /dev/null)
  expect "Take 'lan0' from blue (/run/netns/blue)? [y/N]" "$output"
  is_inside blue
  netlend reap --all --yes
  is_home
}

# ---- loans and show -----------------------------------------------------------------------------

a_device_that_is_away_is_listed_with_its_borrower() {
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0
  netlend loans --format json | jq -e '.netlend == 1 and (.loans[0] |
    .device == "lan0" and .inside == "eth0" and .borrower == "blue" and .stage == "ready" and
    .netns == "/run/netns/blue" and .home_by == "guardian")' >/dev/null
  netlend show --format json | jq -e '.netlend == 1 and .loans[0].id as $loan |
    [.namespaces[] | select(.role == "borrower").devices[] | select(.loan == $loan).name] ==
    ["eth0"]' >/dev/null
  expect "borrowed   'lan0' of home, ready" "$(netlend show)"
  expect 'when the borrower ends' "$(netlend loans)"
  kill_guardian
  expect "by 'netlend return'" "$(netlend loans)"
  ip netns del blue
  expect "'netlend reap'" "$(netlend loans)"
  netlend reap
  is_home
  [[ -z $(netlend loans) ]]
}

what_another_home_lent_is_listed_there() {
  ip netns add blue
  ip netns add far
  ip -n far link add far1 type ifb
  netlend lend lan0 --to netns:blue
  nsenter --net=/run/netns/far "$programs/netlend" lend far1 --to netns:blue
  netlend show >shown
  [[ $(sed -n '/^home$/,/^$/p' shown) == *'lent  lan0  to blue'* ]]
  [[ $(sed -n '/^home far$/,/^$/p' shown) == *'lent  far1  to blue'* ]]
  [[ $(grep -c 'lent  far1' shown) == 1 ]]
  expect "borrowed   'lan0' of home, ready" "$(<shown)"
  expect "borrowed   'far1' of far, ready" "$(<shown)"
  netlend show --format json | jq -e '[.namespaces[] | select(.role == "home").name] ==
    ["", "far"]' >/dev/null
  netlend loans --format json | jq -e '[.loans[] | {device, home}] | sort_by(.device) ==
    [{"device": "far1", "home": "far"}, {"device": "lan0", "home": ""}]' >/dev/null
  expect 'DEVICE  HOME  INSIDE' "$(netlend loans)"
  netlend return far1 lan0
  ip netns del far
  is_home
}

# The timers of br0 have gone on since.
differs() { ! cmp -s "$1" <(grep gc_timer <(ip -d link show br0)); }

the_doctor_says_what_is_there_and_what_is_missing() {
  netlend doctor >/run/test/text || true
  expect "yes  addresses in mode 'routed'" "$(cat /run/test/text)"
  netlend doctor --format json >/run/test/json || true
  jq -e '.netlend == 1 and (.findings | length) > 8' /run/test/json
  # What it says of a mode is what whoever asks for that is told.
  ip addr add 192.0.2.11/24 dev lan0
  for mode in kernel netkit ipvlan; do
    missing=$(jq -r --arg mode "addresses in mode '$mode'" \
      '.findings[] | select(.subject == $mode) | .missing // ""' /run/test/json)
    [[ $missing ]] || continue
    fails netlend run --l3 "192.0.2.10 mode=$mode" -- true 2>/run/test/err
    expect "$missing" "$(cat /run/test/err)"
  done
  # In this case's own /usr the hook is installed or not.
  mount -t tmpfs tmpfs /usr/share
  expect "no   the hook where podman looks for it: '/usr/share/containers/oci/hooks.d" \
    "$(netlend doctor | tr -s '\n ' ' ' | sed 's/no the hook/no   the hook/')"
}

two_looks_at_the_same_are_the_same() {
  ip addr add 192.0.2.12/24 valid_lft 3000 preferred_lft 2000 dev lan0
  # Its timers tick all the time.
  ip link add br0 type bridge
  ip link set br0 up
  for format in text json; do
    netlend show --format "$format" >one
    grep gc_timer <(ip -d link show br0) >timers
    wait_until differs timers
    netlend show --format "$format" >two
    cmp one two
  done
  [[ $(netlend show | wc -L) -le 80 ]]
}

# ---- debug and log ------------------------------------------------------------------------------

every_step_is_told_with_debug() {
  ip netns add blue
  netlend --debug --log log lend lan0 --to netns:blue 2>steps
  expect "netlend: move device 'lan0'" "$(<steps)"
  expect "level=debug msg=\"move device 'lan0'" "$(<log)"
  netlend return lan0 --log log --log-format json
  is_home
}

errors_go_into_the_log_too() {
  refuses 1 nosuch0 --log log --log-format json return nosuch0
  jq -e '.level == "error" and (.msg | contains("nosuch0"))' <log >/dev/null
  refuses 1 /nosuch/log --log /nosuch/log loans
}

# ---- bad input ----------------------------------------------------------------------------------

a_wrong_command_line_is_refused() {
  refuses 2 "no verb; see 'netlend --help'"
  refuses 2 "'lnd' is not a verb" lnd lan0
  refuses 2 --nosuch show --nosuch
  refuses 2 'neither text nor json' loans --format xml
  refuses 2 "--to is required; see 'netlend lend --help'" lend lan0
  refuses 2 'name a DEVICE, an ADDRESS or a plan file' lend --to netns:blue
  refuses 2 "word 'colour=red': unknown" lend lan0 --to netns:neighbour colour=red
  refuses 2 'addr=10.77.0.2' lend lan0 --to netns:neighbour addr=10.77.0.2
  is_home
}

a_wrong_run_is_refused_with_125() {
  refuses 125 'no command' run --nic "$spec"
  refuses 125 "if 'true' is a command, write 'netlend run -- true'" run true
  refuses 125 --nosuch run --nosuch -- true
  refuses 125 nosuch0 run --nic eth0=nosuch0 -- true
  refuses 125 "--nic 'a/b=lan0': device name 'a/b'" run --nic a/b=lan0 -- true
  refuses 125 "'../x'" run --name ../x -- true
  refuses 125 "'here'" run --dns here -- true
  refuses 125 lan0 run --nic eth0=lan0 --nic eth1=lan0 -- true
  refuses 125 eth0 run --nic eth0=lan0 --nic eth0=veth: -- true
  is_home
}

# Here the kernel has none; integration/guest/inject_test.sh has one that has.
a_bundle_is_injected_only_for_mode_kernel() {
  mkdir bundle
  refuses 1 "config.json': open 'config.json': No such file" inject --bundle bundle web
  for text in '' '{' '[]' "$(printf '%1048577s' '{}')"; do
    echo "$text" >bundle/config.json
    refuses 1 "bundle/config.json': " inject --bundle bundle web
    [[ $(<bundle/config.json) == "$text" ]]
  done
  for spec in 192.0.2.10 '192.0.2.10 mode=routed'; do
    echo "{\"ociVersion\": \"1.0.2\", \"annotations\": {\"io.netlend.l3\": \"$spec\"},
      \"linux\": {\"namespaces\": [{\"type\": \"network\"}]}}" | tee bundle/config.json >wanted
    netlend inject --bundle bundle web
    diff wanted bundle/config.json
  done
  sed 's/mode=routed/mode=kernel/' wanted >bundle/config.json
  refuses 1 "is not lent in mode 'kernel': this kernel has no L3" inject --bundle bundle web
  refuses 1 "open the bundle 'nowhere'" inject --bundle nowhere web
  refuses 2 "container id '../web'" inject --bundle bundle '../web'
  is_home
}

a_wrong_device_is_refused() {
  ip netns add blue
  ip link add br0 type bridge
  take_picture >/run/test/before
  refuses 1 nosuch0 lend nosuch0 --to netns:blue
  refuses 2 "'lo'" lend lo --to netns:blue
  refuses 1 "'br0'" lend br0 --to netns:blue
  refuses 1 "'eth0'" lend lan0 --to netns:neighbour name=eth0
  refuses 1 02:00:00:00:99:99 lend mac:02:00:00:00:99:99 --to netns:blue name=eth9
  refuses 1 "'lan0' is not lent" return lan0
  is_home
}

a_wrong_borrower_is_refused() {
  mkfifo pipe
  refuses 1 'in this network namespace itself' lend lan0 --to pid:1
  refuses 1 'in this network namespace itself' lend lan0 --to netns:/proc/self/ns/net
  refuses 1 'not a network namespace' lend lan0 --to "netns:/run/test/pipe"
  refuses 1 'not a network namespace' lend lan0 --to netns:nosuch
  refuses 1 'not a network namespace' lend lan0 --to netns:/proc/self/ns/mnt
  refuses 2 'not a process id' lend lan0 --to pid:first
  refuses 1 4194304 lend lan0 --to pid:4194304
  refuses 1 "'box' is no container" lend lan0 --to box
  is_home
}

a_wrong_plan_file_is_refused() {
  refuses 1 "'plan.json'" lend --plan plan.json --to netns:neighbour
  echo '{"netlend": 1, "nics": [{"inside": "eth0", "source": "lan0", "mtu": "big"}]}' >plan.json
  refuses 2 /nics/0/mtu lend --plan plan.json --to netns:neighbour
  echo '{"netlend": 2, "nics": []}' >plan.json
  refuses 2 /netlend lend --plan plan.json --to netns:neighbour
  is_home
}

a_device_that_is_lent_already_is_refused() {
  ip netns add blue
  ip netns add green
  netlend lend lan0 --to netns:blue name=eth0 addr=10.77.0.2/24
  refuses 1 blue lend lan0 --to netns:green
  is_inside blue
  netlend return lan0
  is_home
}

the_device_with_the_default_route_goes_only_by_force() {
  ip netns add blue
  ip route add default via 192.0.2.1
  take_picture >/run/test/before
  refuses 1 --force lend lan0 --to netns:blue
  is_home
  netlend lend lan0 --to netns:blue --force
  netlend return lan0
  is_home
}

what_is_lost_by_force_is_said_twice_and_no_more() {
  ip netns add blue
  tc qdisc add dev lan0 clsact
  tc filter add dev lan0 ingress protocol ip handle 1: u32 divisor 16
  output=$(exits 1 netlend plan lend lan0 --to netns:blue)
  expect "lost      traffic filter 'u32 1:" "$output"
  netlend lend lan0 --to netns:blue --force
  output=$(netlend return lan0 2>&1)
  expect "netlend: device 'lan0' is home; not restored, as said beforehand: traffic filter 'u32 1:" "$output"
  has_no_trace
  ip route add 203.0.113.0/24 via 192.0.2.1
  netlend reap
  expect 203.0.113.0/24 "$(ip route)"
}

a_damaged_ledger_is_put_aside_and_its_device_comes_home() {
  ip netns add blue
  netlend lend lan0 --to netns:blue
  ledger=$(basename "$(find /run/netlend/ledgers -name 'blue-*')")
  echo '{' >"/run/netlend/ledgers/$ledger"
  output=$(netlend return lan0 2>&1)
  expect "the ledger '$ledger' is broken" "$output"
  expect 'nothing is lost' "$output"
  expect '{' "$(cat "/run/netlend/damaged-$ledger")"
  rm "/run/netlend/damaged-$ledger"
  is_home
}

a_ledger_that_nobody_can_read_is_named_and_given_up_by_its_name() {
  ip netns add blue
  netlend lend lan0 --to netns:blue
  ledger=$(basename "$(find /run/netlend/ledgers -name 'blue-*')")
  echo '{' | tee "/run/netlend/ledgers/$ledger" >"/run/netlend/ledgers/.$ledger.copy"
  for verb in loans show reap 'return lan0'; do
    # shellcheck disable=SC2086
    output=$(exits 1 netlend $verb 2>&1)
    expect "netlend return --forget $ledger" "$output"
  done
  output=$(netlend return --forget "$ledger" 2>&1)
  expect "'lan0', which was 'lan0' inside, is here again" "$output"
  ip link show lan0
  expect '' "$(find /run/netlend/ledgers /run/netlend/devices -type f)"
}

a_state_folder_that_others_can_write_is_refused() {
  chmod 777 /run/netlend
  refuses 1 "'/run/netlend' belongs to user 0 and has mode 0777" lend lan0 --to netns:neighbour
  chmod 700 /run/netlend
  is_home
}

a_list_that_cannot_be_written_is_an_error() {
  exits 1 netlend show >/dev/full
}

closed_descriptors_do_no_harm() {
  ip netns add blue
  netlend lend lan0 --to netns:blue <&- >&- 2>&-
  exits 1 netlend lend lan0 --to netns:nosuch <&- >&- 2>&-
  netlend return lan0 <&- >&- 2>&-
  is_home
}

help_needs_no_root_and_leaves_no_trace() {
  rmdir /run/netlend/* /run/netlend
  for words in --help 'lend --help' version --version; do
    # shellcheck disable=SC2086
    [[ $(setpriv --reuid 65534 --clear-groups "$programs/netlend" $words) ]]
  done
  for word in --help --version; do
    expect netlend-hook "$(setpriv --reuid 65534 --clear-groups "$programs/netlend-hook" "$word")"
  done
  [[ ! -e /run/netlend ]]
  output=$(exits 1 setpriv --reuid 65534 --clear-groups "$programs/netlend" loans 2>&1)
  expect 'run it as root' "$output"
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
