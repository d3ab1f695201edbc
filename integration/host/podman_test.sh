#!/bin/bash
# netlend-hook under Debian's podman, conmon, netavark and runc, installed as for a user: the file of
# hooks.d is there, and the user types one flag. Each case has a private /etc, /dev/shm, engine's
# storage and image too.
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/podman.sh
source "$(dirname "$0")/../podman.sh"

cases=(
  one_flag_lends_it_and_it_comes_home
  a_hooks_dir_on_the_command_line_does_too
  it_is_lent_beside_the_default_bridge
  it_is_lent_into_a_namespace_that_stays
  it_is_lent_under_crun
  under_crun_a_later_hook_that_fails_brings_it_home
  under_crun_the_refusal_is_where_an_annotation_says
  a_crun_killed_while_it_creates_brings_it_home
  a_crun_killed_while_the_hook_lends_brings_it_home
  several_devices_go_and_come_together
  a_plan_is_quoted_as_csv_as_the_manual_shows
  a_pod_is_lent_to_once
  a_pod_is_lent_to_through_restarts_of_its_containers_in_any_order
  a_container_that_asks_for_nothing_runs_as_ever
  a_container_in_the_hosts_network_is_refused

  a_stopped_container_gives_it_back_and_borrows_it_again
  a_container_removed_by_force_gives_it_back
  a_container_restarted_20_times_has_it_each_time
  a_guardian_is_listed_with_its_container
  a_container_is_returned_by_its_short_id
  a_killed_init_brings_it_home
  a_killed_conmon_and_a_removal_bring_it_home
  a_killed_conmon_and_a_stop_bring_it_home
  a_killed_conmon_and_init_bring_it_home
  a_command_that_is_not_there_brings_it_home
  a_later_hook_that_fails_brings_it_home
  a_hook_that_fails_in_the_container_brings_it_home
  a_killed_runc_brings_it_home
  a_host_that_forgot_the_container_has_its_device
  without_poststop_it_comes_home_all_the_same
  without_a_guardian_it_comes_home_all_the_same
  without_both_it_is_left_to_reap
  a_container_of_another_engine_with_the_same_id_keeps_its_own

  what_the_refusal_says_to_type_allows_it_until_it_is_disallowed
  all_devices_that_are_refused_are_allowed_by_one_paste
  a_rule_by_driver_and_addresses_allows_these_alone
  a_rule_by_cgroup_is_for_containers_that_are_started_there
  a_rule_by_bundle_is_for_containers_of_this_engine
  an_image_gets_nothing_without_a_rule
  a_label_asks_for_nothing
)

# ---- the machine --------------------------------------------------------------------------------

make_machine() {
  make_private_run
  make_engine runc cgroupfs
}

# add_hook STAGE PROGRAM: another hook, behind netlend's.
add_hook() {
  jq -n --arg stage "$1" --arg program "$2" '
    {version: "1.0.0", hook: {path: $program, args: [$program]}, when: {always: true}, stages: [$stage]}
  ' >/usr/share/containers/oci/hooks.d/60-other.json
}

# make_hanging_program: one that says that it was reached. Prints its path.
make_hanging_program() {
  printf '#!/bin/sh\necho >/run/test/reached\nexec sleep 1000000\n' >/run/test/hang
  chmod 755 /run/test/hang
  echo /run/test/hang
}

continue_hook_to_its_end() { ! pkill -CONT netlend-hook; }

# ---- what is lent -------------------------------------------------------------------------------

one_flag_lends_it_and_it_comes_home() {
  output=$(podman run --rm --network none --annotation "$lan0" box sh -c '
    ip addr show dev eth1; echo hello neighbour | nc 10.77.0.1 7')
  expect 'inet 10.77.0.2/24' "$output"
  expect 'hello neighbour' "$output"
  comes_home
}

a_hooks_dir_on_the_command_line_does_too() {
  mv /usr/share/containers/oci/hooks.d /run/test/hooks.d
  output=$(podman --hooks-dir /run/test/hooks.d run --rm --network none --annotation "$lan0" box \
    sh -c 'echo hello neighbour | nc 10.77.0.1 7')
  expect 'hello neighbour' "$output"
  comes_home
}

it_is_lent_beside_the_default_bridge() {
  output=$(podman run --rm --annotation "$lan0" box sh -c '
    ip -4 -o addr; ip route; echo hello neighbour | nc 10.77.0.1 7')
  expect '10.88.0.2/16' "$output"
  expect '10.77.0.2/24' "$output"
  expect 'hello neighbour' "$output"
  expect 'default via 10.88.0.1 dev eth0' "$output"
  comes_home
}

it_is_lent_into_a_namespace_that_stays() {
  ip netns add blue
  output=$(podman run --rm --network ns:/run/netns/blue --annotation "$lan0" box \
    sh -c 'echo hello neighbour | nc 10.77.0.1 7')
  expect 'hello neighbour' "$output"
  comes_home
  fails ip -n blue link show eth1
}

it_is_lent_under_crun() {
  output=$(podman --runtime crun run --rm --network none --annotation "$lan0" box \
    sh -c 'echo hello neighbour | nc 10.77.0.1 7')
  expect 'hello neighbour' "$output"
  comes_home
}

under_crun_a_later_hook_that_fails_brings_it_home() {
  add_hook createRuntime /bin/false
  fails podman --runtime crun run --rm --network none --annotation "$lan0" box true
  comes_home
}

under_crun_the_refusal_is_where_an_annotation_says() {
  write_rules
  fails podman --runtime crun run --rm --network none --annotation "$lan0" \
    --annotation run.oci.hooks.stderr=/run/test/err box true
  expect 'type: netlend allow' "$(</run/test/err)"
  comes_home
}

# It has written no state by then: a deletion succeeds, and calls no poststop.
a_crun_killed_while_it_creates_brings_it_home() {
  configure_podman crun cgroupfs
  add_hook createRuntime "$(make_hanging_program)"
  start_container c1 &
  wait_until test -e /run/test/reached
  fails ip link show lan0
  kill_all "$(pgrep --oldest --full '^[^ ]*crun .*create --bundle')"
  comes_home
}

a_crun_killed_while_the_hook_lends_brings_it_home() {
  configure_podman crun cgroupfs
  # The search for leaks (preset asan) needs ptrace for itself.
  install_hook /usr/share/containers/oci/hooks.d '
    .hook.args = ["strace", "-o", "/dev/null", "-e", "inject=renameat:signal=SIGSTOP:when=2", .hook.path]
    | .hook.path = "/usr/bin/strace" | .hook.env = ["ASAN_OPTIONS=detect_leaks=0"]'
  start_container c1 &
  wait_until compgen -G '/run/netlend/ledgers/*'
  kill_all "$(pgrep --oldest --full '^[^ ]*crun .*create --bundle')"
  wait_until continue_hook_to_its_end
  comes_home
}

several_devices_go_and_come_together() {
  for name in lan1 lan2; do
    ip link add "$name" type veth peer name "far-$name"
    ip addr add 192.0.2.99/32 dev "$name"
    ip link set "$name" up
  done
  take_picture >/run/test/before
  output=$(podman run --rm --annotation "$lan0" --annotation 'io.netlend.nic.eth2=lan1' \
    --annotation 'io.netlend.nic.eth3=lan2 addr=10.79.0.2/24' box ip -o link)
  for name in eth0 eth1 eth2 eth3; do expect " $name@" "$output"; done
  comes_home
}

# The containers of a pod share a network namespace. Their devices are the first one's.
a_plan_is_quoted_as_csv_as_the_manual_shows() {
  local page shown
  page=$(dirname "${BASH_SOURCE[0]}")/../../packaging/man/netlend-plan.5
  shown=$(sed -n '/^podman run --annotation/,/IMAGE$/p' "$page")
  shown=${shown/enp3s0f1/lan0}
  eval "${shown/IMAGE/box ip link show eth1}"
  comes_home
}

a_pod_is_lent_to_once() {
  podman pod create --name pod --network none --infra-image box --infra-command 'sleep 1000000'
  podman run --detach --pod pod --name c1 --annotation "$lan0" box sleep 1000000
  podman run --detach --pod pod --name c2 --annotation "$lan0" box sleep 1000000
  is_lent_to c1
  is_lent_to c2
  [[ $(netlend loans --format json | jq '.loans | length') == 1 ]]
  podman rm --force --time 0 c2
  is_lent_to c1
  podman run --detach --pod pod --name c3 --annotation "$lan0" box sleep 1000000
  podman rm --force --time 0 c1
  wait_until ip link show lan0
  fails eth1_in c3
  podman pod rm --force --time 0 pod
  comes_home
}

# The pod's namespace is the infra container's: its restart makes a new one, into which the others
# come one by one, while the rest of them still live in the old one.
a_pod_is_lent_to_through_restarts_of_its_containers_in_any_order() {
  podman pod create --name pod --network none --infra-image box --infra-command 'sleep 1000000'
  podman run --detach --pod pod --stop-timeout 0 --name c1 --annotation "$lan0" box sleep 1000000
  podman run --detach --pod pod --stop-timeout 0 --name c2 --annotation "$lan0" box sleep 1000000
  local infra
  infra=$(podman pod inspect --format '{{.InfraContainerID}}' pod)
  podman restart --time 0 "$infra"
  is_lent_to c1
  podman restart --time 0 c2
  is_lent_to c2
  podman restart --time 0 c1
  is_lent_to c1
  is_lent_to c2
  podman restart --time 0 "$infra"
  podman restart --time 0 c1
  podman restart --time 0 c2
  is_lent_to c1
  is_lent_to c2
  podman restart --time 0 "$infra"
  podman restart --time 0 c2
  podman restart --time 0 "$infra"
  podman restart --time 0 c1
  is_lent_to c1
  podman pod restart pod
  is_lent_to c1
  is_lent_to c2
  podman restart --time 0 "$infra"
  podman run --detach --pod pod --stop-timeout 0 --name c3 --annotation "$lan0" box sleep 1000000
  is_lent_to c3
  podman restart --time 0 c1
  is_lent_to c1
  # Not for who is beside the pod's namespace.
  fails podman run --rm --pod pod --network none --annotation "$lan0" box true
  is_lent_to c1
  podman pod rm --force --time 0 pod
  comes_home
}

a_container_that_asks_for_nothing_runs_as_ever() {
  output=$(podman run --rm --network none --annotation org.example.nic=lan0 box ip -o link)
  expect 'lo:' "$output"
  [[ $output != *eth1* ]]
  is_home
}

a_container_in_the_hosts_network_is_refused() {
  output=$(fails podman run --rm --network host --annotation "$lan0" box true 2>&1)
  expect "in the host's own network namespace" "$output"
  comes_home
}

# ---- how it ends --------------------------------------------------------------------------------

a_stopped_container_gives_it_back_and_borrows_it_again() {
  start_container c1
  is_lent_to c1
  podman stop --time 0 c1
  comes_home
  podman start c1
  is_lent_to c1
  podman stop --time 0 c1
  comes_home
}

a_container_removed_by_force_gives_it_back() {
  start_container c1
  podman rm --force --time 0 c1
  comes_home
}

a_container_restarted_20_times_has_it_each_time() {
  start_container c1
  for _ in {1..20}; do
    podman restart --time 0 c1
    is_lent_to c1
  done
  podman rm --force --time 0 c1
  comes_home
}

a_guardian_is_listed_with_its_container() {
  start_container c1
  id=$(podman inspect --format '{{.Id}}' c1)
  expect " ${id:0:12} (pid " "$(netlend loans)"
  expect "netlend-guardian ${id:0:12}" "$(ps -o args= -p "$(pgrep netlend-guard)")"
  podman rm --force --time 0 c1
  comes_home
}

a_container_is_returned_by_its_short_id() {
  start_container c1
  netlend return "$(podman ps --all --format '{{.ID}}' --filter name=c1)"
  wait_until is_home
  podman rm --force --time 0 c1
  comes_home
}

a_killed_init_brings_it_home() {
  start_container c1
  kill_all "$(init_pid c1)"
  comes_home
  podman rm --force --time 0 c1
  is_home
}

# podman 4.3 calls no poststop after the next three.
a_killed_conmon_and_a_removal_bring_it_home() {
  start_container c1
  kill_all "$(conmon_pid c1)"
  is_lent_to c1
  podman rm --force --time 0 c1
  comes_home
}

a_killed_conmon_and_a_stop_bring_it_home() {
  start_container c1
  kill_all "$(conmon_pid c1)"
  podman stop --time 0 c1
  comes_home
}

a_killed_conmon_and_init_bring_it_home() {
  start_container c1
  kill_all "$(conmon_pid c1)" "$(init_pid c1)"
  comes_home
  podman rm --force --time 0 c1
  comes_home
}

a_command_that_is_not_there_brings_it_home() {
  fails podman run --rm --network none --annotation "$lan0" box nosuchcommand
  comes_home
  fails podman run --name c1 --network none --annotation "$lan0" box nosuchcommand
  comes_home
}

a_later_hook_that_fails_brings_it_home() {
  add_hook createRuntime /bin/false
  fails start_container c1
  comes_home
}

a_hook_that_fails_in_the_container_brings_it_home() {
  add_hook createContainer /bin/false
  fails start_container c1
  comes_home
}

a_killed_runc_brings_it_home() {
  add_hook createRuntime "$(make_hanging_program)"
  start_container c1 &
  wait_until test -e /run/test/reached
  fails ip link show lan0
  kill_all "$(pgrep --full '^[^ ]*runc .*create --bundle')"
  comes_home
}

# As after a crash of the machine, of which only the disk and the kernel are left.
a_host_that_forgot_the_container_has_its_device() {
  start_container c1
  kill_all "$(conmon_pid c1)" "$(init_pid c1)"
  rm -rf /run/{containers,libpod,runc,crun} /dev/shm/libpod_lock
  comes_home
  podman start c1
  is_lent_to c1
  podman rm --force --time 0 c1
  comes_home
}

without_poststop_it_comes_home_all_the_same() {
  install_hook /usr/share/containers/oci/hooks.d '.stages = ["createRuntime"]'
  start_container c1
  podman rm --force --time 0 c1
  comes_home
}

without_a_guardian_it_comes_home_all_the_same() {
  mkdir -p /etc/netlend/conf.d
  echo '{"netlend": 1, "guardian": false}' >/etc/netlend/conf.d/guardian.conf
  podman run --rm --network none --annotation "$lan0" box true
  comes_home
  start_container c1
  fails pgrep netlend
  podman restart --time 0 c1
  is_lent_to c1
  podman stop --time 0 c1
  comes_home
  podman start c1
  kill_all "$(init_pid c1)"
  comes_home
  podman start c1
  podman rm --force --time 0 c1
  comes_home
}

without_both_it_is_left_to_reap() {
  start_container c1
  kill_all "$(conmon_pid c1)" "$(pgrep netlend-guard)"
  podman rm --force --time 0 c1
  fails ip link show lan0
  netlend reap
  comes_home
}

# An id is no key: this one is of podman's container and of one of runc's own.
a_container_of_another_engine_with_the_same_id_keeps_its_own() {
  ip link add lan1 type veth peer name far1
  take_picture >/run/test/before
  start_container c1
  id=$(podman inspect --format '{{.Id}}' c1)
  mkdir /run/test/bundle
  (cd /run/test/bundle && runc spec)
  jq --arg hook "$programs/netlend-hook" '
      del(.process.rlimits, .linux.resources)
      | .process.terminal = false
      | .process.args = ["sleep", "1000000"]
      | .root = {path: "/run/test/rootfs", readonly: true}
      | .annotations = {"io.netlend.nic.eth1": "lan1 addr=10.79.0.2/24"}
      | .hooks = {createRuntime: [{path: $hook}], poststop: [{path: $hook}]}' \
    /run/test/bundle/config.json >/run/test/config.json
  mv /run/test/config.json /run/test/bundle/
  runc --root /run/other run --detach --bundle /run/test/bundle "$id" </dev/null &>/run/test/out
  [[ $(netlend loans --format json | jq '.loans | length') == 2 ]]
  podman rm --force --time 0 c1
  wait_until ip link show lan0
  fails ip link show lan1
  runc --root /run/other delete --force "$id"
  comes_home
}

# ---- what is allowed ----------------------------------------------------------------------------

# What the refusal of a container tells to type, as it is typed: by a shell.
refused_command() {
  local output
  output=$(fails podman run --rm --network none "$@" box true 2>&1)
  expect 'if it may, type: netlend allow ' "$output"
  output=${output##*type: }
  # podman has quoted it.
  echo "${output%%[\\\"$'\n']*}"
}

what_the_refusal_says_to_type_allows_it_until_it_is_disallowed() {
  rm -r /etc/netlend
  command=$(refused_command --annotation "$lan0")
  is_home
  eval "$command"
  for _ in 1 2; do
    podman run --rm --network none --annotation "$lan0" box true
    comes_home
  done
  fails podman run --rm --network none --annotation "$lan0 keep=addresses" box true
  fails podman run --rm --network none --annotation "${lan0/eth1/eth2}" box true
  fails podman run --rm --network none --annotation "${lan0/77.0.2/77.0.3}" box true
  eval "${command/allow/disallow}"
  [[ $(refused_command --annotation "$lan0") == "$command" ]]
  is_home
}

all_devices_that_are_refused_are_allowed_by_one_paste() {
  rm -r /etc/netlend
  ip link add lan1 type veth peer name far1
  take_picture >/run/test/before
  local asked=(--annotation "$lan0" --annotation 'io.netlend.nic.eth2=lan1 keep=addresses'
    --annotation 'io.netlend.nic.eth3=veth:host-end addr=10.79.0.2/24')
  command=$(refused_command "${asked[@]}")
  [[ $(grep -o 'netlend allow' <<<"$command" | wc -l) == 3 ]]
  eval "$command"
  podman run --rm --network none "${asked[@]}" box ip link show eth3
  comes_home
}

a_rule_by_driver_and_addresses_allows_these_alone() {
  write_rules '{"device": "driver:veth", "addresses": ["10.77.0.0/24"]}'
  podman run --rm --network none --annotation "$lan0" box true
  comes_home
  command=$(refused_command --annotation "${lan0/77.0.2/78.0.2}")
  [[ $command == "netlend allow 'lan0' --cgroup '/libpod_parent/libpod-*' --inside 'eth1' --address 10.78.0.2/32" ]]
  write_rules '{"device": "driver:ixgbe"}'
  refused_command --annotation "$lan0"
  is_home
}

a_rule_by_cgroup_is_for_containers_that_are_started_there() {
  local engine parent
  write_rules '{"device": "lan0", "cgroup": "/lan/*"}'
  for engine in runc crun; do
    configure_podman "$engine" cgroupfs
    for parent in /lan /lan/db /dmz/../lan; do
      podman run --rm --network none --annotation "$lan0" --cgroup-parent "$parent" box true
      comes_home
    done
    podman pod create --name pod --cgroup-parent /lan --share=net --infra-image localhost/box --infra-command '/bin/sleep 1000'
    podman run --pod pod --annotation "$lan0" box true
    podman pod rm --force --time 0 pod
    comes_home
    for parent in /lan2 /dmz/lan /lan/../dmz; do
      fails podman run --rm --network none --annotation "$lan0" --cgroup-parent "$parent" box true
    done
    fails podman run --rm --network none --annotation "$lan0" --name lan box true
    is_home
  done
  output=$(fails podman run --rm --network none --annotation "$lan0" --annotation run.oci.hooks.stderr=/run/test/said \
    --cgroups=disabled box true 2>&1)
  expect 'from cgroup (none of its own) and bundle' "$(cat /run/test/said)"
  is_home
}

a_rule_by_bundle_is_for_containers_of_this_engine() {
  write_rules '{"device": "lan0", "bundle": "/var/lib/containers/storage/*"}'
  podman run --rm --network none --annotation "$lan0" box true
  comes_home
  mount --bind /var/lib/containers /mnt
  fails podman --root /mnt/storage --runroot /run/other run --rm --network none --annotation "$lan0" box true
  is_home
}

# pull_image OPTION...: one that podman built so and fetched again from an archive, as from a registry.
pull_image() {
  printf 'FROM box\n' >/run/test/Containerfile
  podman build --quiet --tag asking "$@" --file /run/test/Containerfile /run/test
  podman save --quiet --format oci-archive --output /run/test/asking.tar asking
  podman rmi asking
  podman pull --quiet oci-archive:/run/test/asking.tar
}

# podman copies the annotations of an image's manifest into its containers.
an_image_gets_nothing_without_a_rule() {
  pull_image --annotation "$lan0"
  write_rules
  output=$(fails podman run --rm --network none asking ip link show dev eth1 2>&1)
  expect "type: netlend allow 'lan0' --cgroup '/libpod_parent/libpod-*' --inside 'eth1'" "$output"
  comes_home
  write_rules '{"device": "lan0"}'
  expect '10.77.0.2/24' "$(podman run --rm --network none asking ip addr show dev eth1)"
  comes_home
}

a_label_asks_for_nothing() {
  pull_image --label "$lan0"
  output=$(podman run --rm --network none asking ip -o link)
  [[ $output != *eth1* ]]
  is_home
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
