#!/bin/bash
# Containers that podman, runc and crun make, unchanged, in L3 network namespaces of a kernel with
# patches/6.12 (run by kernel/selftests/run-tests): by podman's precreate, and by `netlend inject`.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/podman.sh
source "$(dirname "$0")/../podman.sh"
# shellcheck source=integration/l3_cases.sh
source "$(dirname "$0")/../l3_cases.sh"

cases=(
  podman_makes_it_with_crun
  podman_makes_it_with_runc
  what_podman_adds_of_rights_is_taken_away
  with_crun_it_can_have_a_user_namespace
  auto_takes_it_and_it_is_made_anew_at_each_start
  with_everything_killed_the_host_has_it_again
  a_command_that_is_not_there_brings_it_home
  an_engine_that_makes_several_at_once_gets_one_for_each
  podman_builds_images_beside_it
  a_podman_that_fails_before_the_runtime_has_lent_nothing
  a_podman_that_is_killed_before_the_runtime_has_lent_nothing
  without_rule_it_is_refused
  what_can_not_be_is_refused_with_the_reason
  what_goes_by_another_mode_is_left_as_it_is
  a_bundle_is_injected_for_runc_and_for_crun
  a_bundle_that_was_injected_and_not_run_is_returned
  killed_at_any_change_it_leaves_what_the_next_one_takes_away
  what_is_no_config_is_refused
)

hooks=/run/test/podman-hooks.d
make_lan0() { ip link add lan0 type veth peer name eth0 netns neighbour; }
make_machine() {
  make_private_run
  make_engine crun cgroupfs
  sysctl -qw net.ipv4.ip_forward=0
  netlend allow 192.0.2.10
  netlend allow 2001:db8:1::10
  mkdir $hooks
  jq --arg hook "$programs/netlend-hook" '.hook.path = $hook' \
    "$here/../../packaging/hooks.d/netlend-precreate.json" >$hooks/netlend-precreate.json
  sed -i "s|^\[engine\]|&\nhooks_dir = [\"/usr/share/containers/oci/hooks.d\", \"$hooks\"]|" \
    /etc/containers/containers.conf
}

mode_of_loan() { netlend loans --format json | jq -r '.loans[0].mode'; }
l3='io.netlend.l3=192.0.2.10 2001:db8:1::10'

# run_box [OPTION...] -- COMMAND...: in a container with $l3.
run_box() {
  local options=()
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  podman run --network none --annotation "$l3" --annotation run.oci.hooks.stderr=/run/test/err \
    "${options[@]}" box "${@:2}"
}

comes_home_from_it() {
  comes_home
  is_nobodys
}

make_it_with() {
  furnish_for_addresses
  l3+=' mode=kernel'
  output=$(podman --runtime "$1" run --rm --network none --annotation "$l3" box \
    sh -c 'ip -o addr; echo hello neighbour | nc -w 2 192.0.2.1 7')
  expect 'inet 192.0.2.10/24' "$output"
  expect 'inet6 2001:db8:1::10/64' "$output"
  fails expect 192.0.2.11 "$output" >/dev/null
  expect 'hello neighbour' "$output"
  comes_home_from_it
}

podman_makes_it_with_crun() { make_it_with crun; }
podman_makes_it_with_runc() { make_it_with runc; }

what_podman_adds_of_rights_is_taken_away() {
  furnish_for_addresses
  output=$(run_box --rm --cap-add NET_ADMIN,NET_RAW,SYS_ADMIN,SYS_TIME -- sh -c '
    grep ^CapBnd /proc/self/status; ip link set lan0 down || echo refused')
  expect refused "$output"
  bits=$((16#$(awk '/^CapBnd/ {print $2}' <<<"$output")))
  # CAP_SYS_TIME is there; not CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN.
  (((bits >> 25 & 1) == 1 && (bits >> 12 & 3) == 0 && (bits >> 21 & 1) == 0))
  comes_home_from_it
}

# runc can't mount sysfs in a network namespace of another user namespace.
with_crun_it_can_have_a_user_namespace() {
  furnish_for_addresses
  output=$(run_box --rm --uidmap 0:100000:2000 --gidmap 0:100000:2000 -- \
    sh -c 'ip -o addr; cat /proc/self/uid_map')
  expect 'inet 192.0.2.10/24' "$output"
  expect 100000 "$output"
  comes_home_from_it
}

auto_takes_it_and_it_is_made_anew_at_each_start() {
  furnish_for_addresses
  run_box --detach --name web -- nc -ll -p 80 -e /bin/busybox echo web
  [[ $(mode_of_loan) == kernel ]]
  wait_until hears web 192.0.2.10
  [[ $(stat -L -c %i "/proc/$(init_pid web)/ns/net") == $(tail -n 1 /proc/net/l3_ns | cut -d ' ' -f 2) ]]
  expect 'inet 192.0.2.10/24' "$(podman exec web ip -4 -o addr)"
  # Nothing of ours holds its namespace.
  fails grep 'netlend/pins/.* - nsfs' /proc/self/mountinfo
  podman stop --time 0 web
  comes_home_from_it
  podman start web
  wait_until hears web 192.0.2.10
  podman rm --force --time 0 web
  comes_home_from_it
}

with_everything_killed_the_host_has_it_again() {
  furnish_for_addresses
  run_box --detach --name web -- sleep 1000000
  is_owned
  # The guardian first: nothing of ours is to be alive when the borrower dies.
  kill_all "$(pgrep netlend-guard)" "$(conmon_pid web)" "$(init_pid web)"
  answers_again kernel
}

a_command_that_is_not_there_brings_it_home() {
  furnish_for_addresses
  fails run_box --rm -- nosuchcommand
  comes_home_from_it
}

an_engine_that_makes_several_at_once_gets_one_for_each() {
  furnish_for_addresses
  make_bundle
  for i in {1..8}; do
    # This shell is its engine.
    "$programs/netlend-hook" precreate </run/test/bundle/config.json >"/run/test/config$i" &
    pids[i]=$!
  done
  for i in {1..8}; do wait "${pids[i]}"; done
  jq -r '.linux.namespaces[] | select(.type == "network").path' /run/test/config? >/run/test/paths
  [[ $(sort --unique /run/test/paths | wc -l) == 8 ]]
  while read -r path; do mountpoint -q "$path"; done </run/test/paths
  netlend reap
  while read -r path; do mountpoint -q "$path"; done </run/test/paths
  netlend reap --all --yes
  is_home
}

# Which fails where a file in the default folder names the stage, since buildah doesn't know it.
podman_builds_images_beside_it() {
  printf 'FROM box\nRUN true\n' >/run/test/Containerfile
  podman build --network none --file /run/test/Containerfile /run/test
  cp $hooks/netlend-precreate.json /usr/share/containers/oci/hooks.d
  fails podman build --network none --no-cache --file /run/test/Containerfile /run/test 2>/run/test/err
  expect 'unknown stage "precreate"' "$(</run/test/err)"
  is_home
}

# add_precreate COMMAND: that podman runs after ours.
add_precreate() {
  jq --arg command "$1" '.hook.path = "/bin/sh" | .hook.args = ["sh", "-c", $command]' \
    $hooks/netlend-precreate.json >$hooks/z-after.json
}

is_pinned() { [[ $(find /run/netlend/pins -type f) ]]; }

a_podman_that_fails_before_the_runtime_has_lent_nothing() {
  furnish_for_addresses
  add_precreate 'cat >/run/test/seen; exit 1'
  fails run_box --rm -- true
  expect '/run/netlend/pins/' "$(jq -r '.linux.namespaces[].path // ""' /run/test/seen)"
  is_answered 192.0.2.10
  # The next one takes away what it left.
  is_pinned
  rm $hooks/z-after.json
  run_box --rm -- true
  comes_home_from_it
}

a_podman_that_is_killed_before_the_runtime_has_lent_nothing() {
  furnish_for_addresses
  # shellcheck disable=SC2016
  add_precreate 'kill -KILL $PPID'
  fails run_box --rm -- true
  is_answered 192.0.2.10
  is_pinned
  netlend reap
  is_home
}

without_rule_it_is_refused() {
  furnish_for_addresses
  netlend disallow 2001:db8:1::10
  fails run_box --rm -- true
  expect 'type: netlend allow' "$(</run/test/err)"
  comes_home_from_it
}

# refuses REASON OPTION...: of podman, for a container in mode kernel.
refuses() {
  fails podman run --rm --annotation "$l3" "${@:2}" box true
  expect "$1" "$(</run/test/err)"
}

what_can_not_be_is_refused_with_the_reason() {
  furnish_for_addresses
  # podman 4 doesn't say what a hook says at precreate.
  jq --arg command "exec $programs/netlend-hook precreate 2>/run/test/err" \
    '.hook.path = "/bin/sh" | .hook.args = ["sh", "-c", $command]' $hooks/netlend-precreate.json >/run/test/hook
  cp /run/test/hook $hooks/netlend-precreate.json
  ip netns add blue
  l3+=' mode=kernel'
  refuses "so it is in the host's own" --network host
  refuses "'/run/netns/blue', that is not replaced" --network ns:/run/netns/blue
  refuses "sets 'net.ipv4.ip_forward'" --network none --sysctl net.ipv4.ip_forward=1
  refuses 'has no devices of its own' --network none --annotation io.netlend.nic.eth1=veth:
  rm $hooks/netlend-precreate.json
  fails run_box --rm -- true
  expect 'a hook comes too late for that' "$(</run/test/err)"
  ip netns del blue
  comes_home_from_it
}

what_goes_by_another_mode_is_left_as_it_is() {
  furnish_for_addresses
  for annotation in 192.0.2.10 '192.0.2.10 mode=routed' '192.0.2.10 as=web0'; do
    jq -n --arg l3 "$annotation" '{ociVersion: "1.0.2", annotations: {"io.netlend.l3": $l3}, linux: {namespaces:
      [{type: "network", path: "/run/netns/blue"}]}}' >/run/test/config
    diff /run/test/config <("$programs/netlend-hook" precreate </run/test/config)
  done
  is_home
}

# make_bundle: whose command says what it has.
make_bundle() {
  mkdir -p /run/test/bundle
  (cd /run/test/bundle && rm -f config.json && runc spec)
  jq '.root.path = "/run/test/rootfs" | .process.terminal = false
    | .process.args = ["ip", "-o", "addr"] | .annotations["io.netlend.l3"] = "192.0.2.10"
    | .process.capabilities.bounding += ["CAP_NET_RAW"]' /run/test/bundle/config.json >/run/test/config
  mv /run/test/config /run/test/bundle/config.json
  chmod 640 /run/test/bundle/config.json
}

a_bundle_is_injected_for_runc_and_for_crun() {
  furnish_for_addresses
  make_bundle
  for runtime in runc crun; do
    netlend inject --bundle /run/test/bundle web
    [[ $(stat -c %a /run/test/bundle/config.json) == 640 ]]
    output=$("$runtime" run --bundle /run/test/bundle web)
    expect 'inet 192.0.2.10/24' "$output"
    fails expect 192.0.2.11 "$output" >/dev/null
    comes_home_from_it
    # Its namespace was for one.
    fails "$runtime" run --bundle /run/test/bundle web
    comes_home_from_it
  done
  [[ $(jq '.hooks[] | length' /run/test/bundle/config.json | xargs) == '1 1' ]]
}

a_bundle_that_was_injected_and_not_run_is_returned() {
  furnish_for_addresses
  make_bundle
  netlend inject --bundle /run/test/bundle web
  netlend inject --bundle /run/test/bundle web
  [[ $(find /run/netlend/pins -type f | wc -l) == 1 ]]
  netlend reap
  is_pinned
  netlend return web
  is_home
}

killed_at_any_change_it_leaves_what_the_next_one_takes_away() {
  furnish_for_addresses
  make_bundle
  cp /run/test/bundle/config.json /run/test/config
  calls=mount,move_mount,linkat,unlinkat,renameat,write,ioctl
  for ((nth = 1, code = 137; code == 137; ++nth)); do
    code=0
    strace -I 1 --quiet=all -o /dev/null -e "trace=$calls" -e "inject=$calls:signal=KILL:when=$nth" \
      "$programs/netlend" inject --bundle /run/test/bundle web || code=$?
    is_answered 192.0.2.10
    jq . /run/test/bundle/config.json >/dev/null
  done
  echo "$nth points"
  ((code == 0 && nth > 10))
  [[ $(find /run/netlend/pins -type f | wc -l) == 1 ]]
  netlend return web
  netlend reap
  is_home
}

what_is_no_config_is_refused() {
  mkdir -p /run/test/bundle
  fails netlend inject --bundle /run/test/bundle web 2>/run/test/err
  expect "'/run/test/bundle/config.json': open 'config.json': No such file" "$(</run/test/err)"
  echo '{' >/run/test/bundle/config.json
  fails netlend inject --bundle /run/test/bundle web 2>/run/test/err
  expect "'/run/test/bundle/config.json': parse error" "$(</run/test/err)"
  fails "$programs/netlend-hook" precreate </run/test/bundle/config.json 2>/run/test/err
  expect "config.json on standard input: parse error" "$(</run/test/err)"
  [[ $(</run/test/bundle/config.json) == '{' ]]
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
