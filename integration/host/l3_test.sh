#!/bin/bash
# Addresses that are lent by the real programs; runtime/net/l3 has the kernel's side of it.
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/l3_cases.sh
source "$(dirname "$0")/../l3_cases.sh"

# shellcheck disable=SC2034 # the cases use it
modes=(routed macvlan)
cases=(
  a_borrower_has_no_rights_over_its_network
  a_borrower_is_listed_with_its_home_and_lends_nothing_on
  a_command_has_the_addresses_and_they_come_home
  several_commands_listen_on_the_same_port
  with_everything_killed_the_host_has_it_again
  one_reap_is_enough_right_after_everything_was_killed
  a_killed_netlend_has_left_a_guardian_that_cleans_up
  addresses_come_home_from_the_lan_itself
  an_uplink_that_was_down_and_is_up_again_is_answered_on
  a_container_network_made_while_lent_works_and_goes_on
  the_machine_speaks_on_when_the_address_that_it_spoke_from_goes
  a_loan_is_listed_shown_and_returned_by_its_address
  a_plan_says_what_would_change
  a_firewall_that_is_closed_later_is_named_by_loans
  forwarding_that_is_off_is_named_by_loans_where_nobody_mends_it
  a_device_and_an_address_go_together
  a_wrong_address_is_refused
  an_annotation_needs_a_rule_and_no_capabilities
)

make_machine() {
  make_private_run
  make_private_etc
}

a_command_has_the_addresses_and_they_come_home() {
  furnish_for_addresses
  output=$(netlend run --l3 '192.0.2.10 2001:db8:1::10' -- sh -c '
    ip -o addr show; ip route; echo hello neighbour | busybox nc -w 2 192.0.2.1 7')
  expect 'inet 192.0.2.10/32 brd 192.0.2.255 scope global eth0' "$output"
  expect 'inet6 2001:db8:1::10/128 scope global' "$output"
  expect 'default via 169.254.1.1 dev eth0' "$output"
  expect 'hello neighbour' "$output"
  fails expect 192.0.2.11 "$output" >/dev/null
  is_home
}

several_commands_listen_on_the_same_port() { listen_on_the_same_port mode=auto; }

# Who was killed is alive until the kernel is done with it, and a reap finds it so most times.
one_reap_is_enough_right_after_everything_was_killed() {
  local round
  furnish_for_addresses
  for round in 1 2 3 4 5; do
    start "box$round" '192.0.2.10 2001:db8:1::10' sleep 1000
    wait_until is_lent ready
    pids=$(jq .ledger.guardian.pid /run/netlend/ledgers/*)
    # Else it dies by the end of its lender.
    ((round % 2)) || pids+=" $(jq .ledger.process.pid /run/netlend/ledgers/*)"
    # shellcheck disable=SC2086 # several
    kill -KILL $pids "$run"
    netlend reap
    is_home
  done
}

a_killed_netlend_has_left_a_guardian_that_cleans_up() {
  furnish_for_addresses
  start box 192.0.2.10 sleep 1000
  wait_until is_lent ready
  kill -KILL "$run"
  wait_until has_no_loans
  netlend run --name box -- true
  is_home
}

# In mode macvlan the borrower answers the LAN by a link address of its own.
addresses_come_home_from_the_lan_itself() {
  furnish_for_addresses
  output=$(netlend run --l3 '192.0.2.10 2001:db8:1::10 mode=macvlan' -- sh -c '
    echo hello neighbour | busybox nc -w 2 192.0.2.1 7; ip -d link show eth0')
  expect 'hello neighbour' "$output"
  expect 'macvlan mode bridge' "$output"
  is_home

  start box '192.0.2.10 2001:db8:1::10 mode=macvlan' sleep 1000
  wait_until is_lent ready
  is_answered 192.0.2.10
  is_answered 2001:db8:1::10
  kill -KILL "$run"
  wait_until has_no_loans
  [[ -z $(nft list tables) ]]
  is_answered 192.0.2.10
  is_unchanged

  start box2 '192.0.2.10 2001:db8:1::10 mode=macvlan' sleep 1000
  wait_until is_lent ready
  is_answered 2001:db8:1::10
  kill_everything
  answers_again macvlan
}

an_uplink_that_was_down_and_is_up_again_is_answered_on() {
  furnish_for_addresses
  start box 192.0.2.10 sleep 1000
  wait_until is_lent ready
  ip link set lan0 down
  [[ -z $(ip neigh show proxy) ]]
  ip link set lan0 up
  ip netns exec neighbour ip neigh flush all
  wait_until is_answered 192.0.2.10
  kill "$run"
  wait "$run" || true
  has_no_trace
}

speaks_from() { expect "src $1" "$(ip route show 192.0.2.0/24)"; }
is_box_online() { ip netns exec box ping -c 1 -W 1 192.0.2.1; }
is_forwarding() { [[ $(sysctl -n "net.ipv4.conf.lan0.forwarding" "net.ipv6.conf.lan0.forwarding" | xargs) == "$1" ]]; }

# What engines do for their first bridged container.
make_container_network() {
  ip netns add box
  ip link add vb type veth peer name eth0 netns box
  ip addr add 10.88.0.1/16 dev vb
  ip link set vb up
  ip -n box addr add 10.88.0.2/16 dev eth0
  ip -n box link set eth0 up
  ip -n box route add default via 10.88.0.1
  nft 'add table ip nat; add chain ip nat po { type nat hook postrouting priority 100; };
    add rule ip nat po ip saddr 10.88.0.0/16 masquerade'
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

a_container_network_made_while_lent_works_and_goes_on() {
  furnish_for_addresses
  start box1 '192.0.2.10 2001:db8:1::10' sleep 1000
  wait_until is_lent ready
  make_container_network
  wait_until is_box_online
  is_answered 192.0.2.10
  is_answered 2001:db8:1::10
  sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
  wait_until is_forwarding '1 1'
  wait_until is_answered 192.0.2.10
  wait_until is_answered 2001:db8:1::10
  fails is_box_online
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  # With everything killed, reap finds what home has become.
  kill_everything
  wait_until is_pair_gone
  netlend reap
  has_no_loans
  is_forwarding '1 1'
  is_box_online
}

the_machine_speaks_on_when_the_address_that_it_spoke_from_goes() {
  furnish_for_addresses
  ip addr add 192.0.2.12/24 dev lan0
  before=$(ip route show dev lan0)
  start box1 192.0.2.10 sleep 1000
  wait_until is_lent ready
  ip addr del 192.0.2.11/24 dev lan0
  wait_until speaks_from 192.0.2.12
  ping -c 1 -W 1 192.0.2.1
  is_answered 192.0.2.10
  # The next one ends by itself, and nobody is alive to see it.
  kill_everything
  ip addr del 192.0.2.12/24 dev lan0
  [[ -z $(ip route show 192.0.2.0/24) ]]
  netlend reap
  [[ $(ip route show dev lan0) == "$before" ]]
  ping -c 1 -W 1 192.0.2.1
}

a_loan_is_listed_shown_and_returned_by_its_address() {
  furnish_for_addresses
  ip netns add blue
  netlend lend 192.0.2.10 2001:db8:1::10 --to netns:blue
  expect 192.0.2.10 "$(netlend loans)"
  expect 'eth0' "$(netlend loans)"
  [[ $(netlend loans --format json | jq -r '.loans[0].addresses[1].address') == 2001:db8:1::10 ]]
  expect 'lent 192.0.2.10 2001:db8:1::10 to blue' "$(netlend show | tr -s '\n ' ' ')"
  ip -n blue addr show dev eth0 | grep 192.0.2.10/32
  fails netlend run --l3 192.0.2.10 -- true 2>/run/test/err
  expect "address '192.0.2.10' is lent to 'blue'" "$(cat /run/test/err)"
  netlend return 2001:db8:1::10
  ip netns del blue
  is_home
}

a_plan_says_what_would_change() {
  furnish_for_addresses
  output=$(netlend plan run --l3 192.0.2.10 | tr -s '\n ' ' ')
  expect 'eth0 = 192.0.2.10' "$output"
  expect "192.0.2.10 of 'lan0' is that of 'eth0' inside, in mode 'routed'" "$output"
  expect "sysctl net.ipv4.conf.lan0.forwarding becomes 1 and is 0" "$output"
  expect 'speaks from 192.0.2.11' "$output"
  expect 'restored address 192.0.2.10/24 brd 192.0.2.255' "$output"
  [[ $(netlend plan --format json run --l3 192.0.2.10 | jq -r '.l3[0] | .addresses[0], .mode' | xargs) == \
    '192.0.2.10 routed' ]]
  fails netlend plan run --l3 192.0.2.99 >/run/test/out
  expect "no device here has it" "$(tr -s '\n ' ' ' </run/test/out)"
  is_home
}

a_firewall_that_is_closed_later_is_named_by_loans() {
  furnish_for_addresses
  start box 192.0.2.10 sleep 1000
  wait_until is_lent ready
  netlend loans 2>/run/test/err
  [[ ! -s /run/test/err ]]
  nft 'add table ip f; add chain ip f fo { type filter hook forward priority 0; policy drop; }'
  netlend loans 2>/run/test/err
  expect "'192.0.2.10' doesn't reach 'box': chain 'fo' of table 'ip f' of nftables drops" \
    "$(cat /run/test/err)"
  fails is_answered 192.0.2.10
  # What it says to type is enough.
  bash -c "$(sed 's/.* type: //' /run/test/err)"
  is_answered 192.0.2.10
  nft delete table ip f
  stop "$run"
  is_home
}

forwarding_that_is_off_is_named_by_loans_where_nobody_mends_it() {
  furnish_for_addresses
  start box 192.0.2.10 sleep 1000
  wait_until is_lent ready
  switch_off() { sysctl -qw net.ipv4.ip_forward=1 && sysctl -qw net.ipv4.ip_forward=0; }
  switch_off
  # The guardian mends it.
  wait_until is_answered 192.0.2.10
  guardian=$(jq .ledger.guardian.pid /run/netlend/ledgers/*)
  kill -KILL "$guardian"
  wait_until is_gone "$guardian"
  switch_off
  fails is_answered 192.0.2.10
  netlend loans 2>/run/test/err
  expect "'192.0.2.10' doesn't reach 'box': net.ipv4.conf.lan0.forwarding is 0; type: sysctl -w" \
    "$(cat /run/test/err)"
  # What it says to type is enough.
  bash -c "$(sed 's/.* type: //' /run/test/err)"
  is_answered 192.0.2.10
  stop "$run"
  is_home
}

a_device_and_an_address_go_together() {
  furnish_for_addresses
  ip link add spare0 type veth peer name spare1
  ip link set spare0 addrgenmode none
  take_picture >/run/test/before
  output=$(netlend run --nic 'eth1=spare0 addr=10.8.0.1/24 gw=10.8.0.2' --l3 192.0.2.10 -- sh -c '
    ip -o -4 addr show; ip route; echo hello | socat -T 2 - TCP:192.0.2.1:7,bind=192.0.2.10')
  expect '10.8.0.1/24' "$output"
  expect '192.0.2.10/32' "$output"
  expect 'default via 10.8.0.2' "$output"
  expect 'hello' "$output"
  is_home
}

a_wrong_address_is_refused() {
  furnish_for_addresses
  fails netlend run --l3 192.0.2.99 -- true 2>/run/test/err
  expect "address '192.0.2.99' is not lent: no device here has it" "$(cat /run/test/err)"
  fails netlend run --l3 'mode=routed' -- true 2>/run/test/err
  expect "--l3 'mode=routed': no address" "$(cat /run/test/err)"
  is_home
}

an_annotation_needs_a_rule_and_no_capabilities() {
  furnish_for_addresses
  make_rootfs
  unshare --net sleep 1000 &
  borrower=$!
  wait_until has_left_home "$borrower"
  mkdir -p /run/test/bundle
  config='{"ociVersion": "1.0.2", "process": {"capabilities": {"bounding": [CAPS]}},
           "annotations": {"io.netlend.l3": "192.0.2.10"}}'
  state="{\"ociVersion\": \"1.0.2\", \"id\": \"web\", \"status\": \"creating\", \"pid\": $borrower,
          \"bundle\": \"/run/test/bundle\"}"
  hook() { "$programs/netlend-hook" "$1" <<<"$state"; }
  echo "${config/CAPS/\"CAP_NET_RAW\"}" >/run/test/bundle/config.json
  fails hook createRuntime 2>/run/test/err
  expect "keeps CAP_NET_RAW" "$(cat /run/test/err)"
  echo "${config/CAPS/\"CAP_NET_BIND_SERVICE\"}" >/run/test/bundle/config.json
  fails hook createRuntime 2>/run/test/err
  expect "netlend allow 192.0.2.10 --to 'web' --inside 'eth0'" "$(cat /run/test/err)"
  netlend allow 192.0.2.10 --to web
  hook createRuntime
  is_answered 192.0.2.10
  expect 192.0.2.10 "$(netlend loans)"
  hook poststop
  netlend disallow 192.0.2.10 --to web
  kill_all "$borrower"
  is_home
}

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
