#!/bin/bash
# Addresses that are lent in mode kernel, on a kernel with patches/6.12 (run by
# kernel/selftests/run-tests): the promises of the other modes, and those that only this one keeps.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/l3_cases.sh
source "$(dirname "$0")/../l3_cases.sh"

tests=$(realpath "$(dirname "$0")/../../build/dev/tests")
# shellcheck disable=SC2034 # the cases use it
modes=(kernel)
cases=(
  the_promises_of_addresses_are_kept
  a_borrower_has_no_rights_over_its_network
  a_borrower_is_listed_with_its_home_and_lends_nothing_on
  a_command_shares_devices_and_routes_and_has_its_own_addresses
  auto_takes_it_first_and_only_where_no_device_is_wanted
  several_commands_listen_on_the_same_port
  with_everything_killed_the_host_has_it_again
  loopback_is_shared_where_root_says_so
  a_plan_says_that_nothing_is_made
  a_bundle_is_made_in_it_and_deleted
  a_hook_comes_too_late_for_it
  a_namespace_by_path_is_not_replaced
  the_doctor_knows_it
)

make_lan0() { ip link add lan0 type veth peer name eth0 netns neighbour; }
make_machine() {
  make_private_run
  make_private_etc
}

# The kernel has no nftables, which the tests of the other modes are furnished with.
the_promises_of_addresses_are_kept() {
  NETLEND_L3_MODE=kernel "$tests/l3_test" --log_level=message --color_output=no \
    --run_test='kernel_mode:lent_addresses:modes/several_addresses*:modes/the_source*:address_failures/whoever_*'
}

mode_of_loan() { netlend loans --format json | jq -r '.loans[0].mode'; }

a_command_shares_devices_and_routes_and_has_its_own_addresses() {
  furnish_for_addresses
  start box '192.0.2.10 2001:db8:1::10 mode=kernel' sh -c '
    ip -o addr show; echo hello neighbour | busybox nc -w 2 192.0.2.1 7; exec sleep 1000'
  wait_until grep 'hello neighbour' /run/test/box
  inside=(nsenter --net --target "$(netlend loans --format json | jq '.loans[0].pid')")
  diff <(ip -o link show) <("${inside[@]}" ip -o link show)
  diff <(ip route show) <("${inside[@]}" ip route show)
  diff <(ip -6 route show) <("${inside[@]}" ip -6 route show)
  stop "$run"
  output=$(</run/test/box)
  expect 'inet 192.0.2.10/24 brd 192.0.2.255 scope global' "$output"
  expect 'inet6 2001:db8:1::10/64 scope global' "$output"
  fails expect 192.0.2.11 "$output" >/dev/null
  is_nobodys
  is_home
}

auto_takes_it_first_and_only_where_no_device_is_wanted() {
  furnish_for_addresses
  start box 192.0.2.10 sleep 1000
  wait_until is_lent ready
  [[ $(mode_of_loan) == kernel ]]
  stop "$run"
  start box '192.0.2.10 as=web0' sleep 1000
  wait_until is_lent ready
  [[ $(mode_of_loan) == routed ]]
  stop "$run"
  fails netlend run --nic eth1=veth: --l3 '192.0.2.10 mode=kernel' -- true 2>/run/test/err
  expect 'where no device is lent along' "$(cat /run/test/err)"
  is_home
}

several_commands_listen_on_the_same_port() { listen_on_the_same_port mode=kernel; }

loopback_is_shared_where_root_says_so() {
  furnish_for_addresses
  busybox nc -ll -p 80 -e /bin/echo home &
  home=$!
  ask='busybox nc -w 2 127.0.0.1 80 </dev/null'
  wait_until sh -c "$ask"
  [[ $(netlend run --l3 '192.0.2.10 mode=kernel loopback=shared' -- sh -c "$ask") == home ]]
  fails netlend run --l3 '192.0.2.10 mode=kernel' -- sh -c "$ask"
  kill "$home"
  is_home
}

a_plan_says_that_nothing_is_made() {
  furnish_for_addresses
  output=$(netlend plan run --l3 192.0.2.10 | tr -s '\n ' ' ')
  expect "192.0.2.10 of 'lan0' stays there and is the container's alone, in mode 'kernel'" \
    "$output"
  expect 'speaks from 192.0.2.11' "$output"
  is_home
}

# make_bundle [NETWORK-PATH]: that listens on port 80 of any.
make_bundle() {
  make_rootfs
  mkdir -p /run/test/bundle
  (cd /run/test/bundle && rm -f config.json && runc spec)
  jq --arg path "${1:-}" '.root.path = "/run/test/rootfs" | .process.terminal = false
    | .process.args = ["sh", "-c", "nc -ll -p 80 -e /bin/busybox echo web"]
    | (.linux.namespaces[] | select(.type == "network")) += if $path == "" then {} else {path: $path} end
    ' /run/test/bundle/config.json >/run/test/config
  mv /run/test/config /run/test/bundle/config.json
}

a_bundle_is_made_in_it_and_deleted() {
  furnish_for_addresses
  make_bundle
  netlend create --l3 192.0.2.10 --bundle /run/test/bundle web </dev/null &>/run/test/out
  [[ $(mode_of_loan) == kernel ]]
  netlend start web
  wait_until hears web 192.0.2.10
  pid=$(netlend state web | jq .pid)
  [[ $(stat -L -c %i "/proc/$pid/ns/net") == $(tail -n 1 /proc/net/l3_ns | cut -d ' ' -f 2) ]]
  netlend delete --force web
  wait_until is_nobodys
  is_home
}

# The process that the hook is told of has a network namespace already.
a_hook_comes_too_late_for_it() {
  furnish_for_addresses
  netlend allow 192.0.2.10
  unshare --net sleep 1000 &
  borrower=$!
  wait_until has_left_home "$borrower"
  mkdir -p /run/test/bundle
  echo '{"ociVersion": "1.0.2", "process": {},
         "annotations": {"io.netlend.l3": "192.0.2.10 mode=kernel"}}' >/run/test/bundle/config.json
  fails "$programs/netlend-hook" createRuntime 2>/run/test/err <<<"{\"ociVersion\": \"1.0.2\",
    \"id\": \"web\", \"status\": \"creating\", \"pid\": $borrower, \"bundle\": \"/run/test/bundle\"}"
  expect "a hook comes too late for that" "$(cat /run/test/err)"
  netlend disallow 192.0.2.10
  kill_all "$borrower"
  is_home
}

a_namespace_by_path_is_not_replaced() {
  furnish_for_addresses
  ip netns add blue
  make_bundle /run/netns/blue
  fails netlend run --l3 '192.0.2.10 mode=kernel' --bundle /run/test/bundle web 2>/run/test/err
  expect 'network namespace without a path' "$(cat /run/test/err)"
  ip netns del blue
  is_home
}

the_doctor_knows_it() {
  output=$(netlend doctor --format json || true)
  is_there() { [[ $(jq --arg subject "$1" '.findings[] | select(.subject == $subject).works' <<<"$output") == true ]]; }
  is_there "addresses in mode 'kernel'"
  is_there 'the way home of hardware by the kernel alone'
  fails is_there "addresses in mode 'netkit'"
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
