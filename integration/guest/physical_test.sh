#!/bin/bash
# A device that the kernel itself sends to the first network namespace when its borrower's ends, as
# it does with all hardware: a port of netdevsim.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/runc.sh
source "$(dirname "$0")/../runc.sh"

cases=(
  a_command_uses_it_and_it_comes_home
  by_hand_it_goes_to_a_namespace_and_returns
  under_runc_it_goes_and_comes_home
  two_ports_of_one_card_are_two_devices
  a_killed_netlend_leaves_it_to_reap
  a_killed_init_brings_it_home_at_once
  a_command_that_cannot_fork_brings_it_home
  a_container_that_renames_and_readdresses_it_brings_it_home
  what_the_kernel_brought_back_is_put_right_by_reap
  what_the_kernel_brought_back_under_another_name_is_put_right_by_reap
  what_the_kernel_numbered_since_its_number_was_taken_is_put_right_by_reap
  what_the_kernel_brought_to_the_first_namespace_goes_on_to_its_home
  what_a_nested_namespace_took_along_is_put_right_by_reap
  two_that_come_back_under_each_others_names_have_their_own_again
  what_was_moved_on_to_a_namespace_that_lives_comes_home
  what_was_unplugged_is_told_of_and_keeps_nothing_else_away
  what_ethtool_sets_comes_home_as_it_was
  what_a_card_steers_by_comes_home_as_it_was
  filters_and_queues_come_home_and_those_of_the_borrower_go
  chains_of_filters_come_home_with_their_templates
  filters_on_the_queue_of_the_kernel_come_home
  every_kind_of_fair_queue_comes_home_as_it_was
  a_clock_that_jumps_disturbs_no_loan
  network_devices_of_the_specification_are_left_to_the_kernel
  network_devices_that_are_down_are_up_inside_and_come_back_down
  network_devices_are_put_right_by_the_guardian_alone
  network_devices_in_a_namespace_that_lives_on_stay_there
)

make_machine() {
  make_machine_for_runc '{"device": "lan*"}'
  cd /run/test
}

make_lan0() { make_ports 2; }

# ---- containers ---------------------------------------------------------------------------------

# Ends a borrower so that nothing of ours is left but what is written down: no guardian, no pin.
end_without_trace() {
  kill_guardian
  kill_all "$@"
  umount /run/netlend/pins/*
}

# What it takes to do harm to a device.
with_capabilities='.process.capabilities |=
  map_values(. + ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"])'

is_here() { ip link show "$1"; }

# ---- the cases ----------------------------------------------------------------------------------

a_command_uses_it_and_it_comes_home() {
  output=$(netlend run --nic 'eth0=lan0 addr=10.77.0.2/24 gw=10.77.0.1' -- sh -c '
    ip -d -o link show dev eth0; ip -o addr show dev eth0; ip route
    echo hello neighbour | socat - TCP:10.77.0.1:7')
  expect 'hello neighbour' "$output"
  expect 'parentdev netdevsim7' "$output"
  expect 'inet 10.77.0.2/24' "$output"
  expect 'default via 10.77.0.1 dev eth0' "$output"
  is_home
}

by_hand_it_goes_to_a_namespace_and_returns() {
  ip netns add blue
  netlend lend lan0 --to netns:blue 'name=eth0 addr=10.77.0.2/24'
  ip -n blue link show eth0
  fails is_here lan0
  netlend return lan0
  is_home
}

under_runc_it_goes_and_comes_home() {
  make_bundle c1 "$lan0" . ip addr show dev eth1
  output=$(run_container c1)
  expect 'inet 10.77.0.2/24' "$output"
  is_home
}

two_ports_of_one_card_are_two_devices() {
  ip link set lan1 up
  take_picture >/run/test/before
  ip netns add blue
  ip netns add red
  netlend lend lan0 --to netns:blue name=eth0
  netlend lend lan1 --to netns:red name=eth0
  ip -n red -d link show eth0 | grep 'portname p2'
  netlend return lan0
  netlend return lan1
  is_home
}

a_killed_netlend_leaves_it_to_reap() {
  "$programs/netlend" run --nic eth0=lan0 -- sleep 1000000 &
  wait_until pgrep sleep
  kill -KILL $!
  wait_until fails pgrep sleep
  netlend reap
  is_home
}

a_killed_init_brings_it_home_at_once() {
  start_container c1 "$lan0"
  kill -KILL "$(init_pid c1)"
  wait_until is_home
  runc delete --force c1
  is_home
}

# Its two areas become one, of more memory than there is, which is asked for when it is to be copied.
# The guest's own kernel went down by that (patches/um-fork-that-fails.patch).
a_command_that_cannot_fork_brings_it_home() {
  fails netlend run --nic eth0=lan0 -- python3 -c '
import mmap, os
areas = [mmap.mmap(-1, 700 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(2)]
os.fork()' 2>/run/test/err
  expect 'Cannot allocate memory' "$(</run/test/err)"
  is_home
}

a_container_that_renames_and_readdresses_it_brings_it_home() {
  make_bundle c1 "$lan0" "$with_capabilities" sh -ec '
    ip link set eth1 down
    ip link set eth1 name lan0
    ip link set lan0 address 02:00:00:00:00:99 mtu 1300
    ip addr add 203.0.113.1/24 dev lan0
    ip link set lan0 up
    ip route add default via 203.0.113.2'
  run_container c1
  is_home
}

# the_kernel_brings_it_back_as NAME
the_kernel_brings_it_back_as() {
  start_container c1 "$lan0"
  end_without_trace "$(init_pid c1)"
  wait_until is_here "$1"
}

is_put_right_by_reap() {
  netlend reap
  is_home
  runc delete --force c1
  is_home
}

what_the_kernel_brought_back_is_put_right_by_reap() {
  the_kernel_brings_it_back_as eth1
  is_put_right_by_reap
}

what_the_kernel_brought_back_under_another_name_is_put_right_by_reap() {
  ip link add eth1 type dummy
  take_picture >/run/test/before
  the_kernel_brings_it_back_as the-port-on-the-left
  expect 'dev' "$(ip -o link show the-port-on-the-left | cut -d ' ' -f 2)"
  is_put_right_by_reap
}

# Its name inside is taken at home, and so is dev with its index, which the kernel would take instead.
what_the_kernel_numbered_since_its_number_was_taken_is_put_right_by_reap() {
  ip link add eth1 type dummy
  ip link add "dev$(</sys/class/net/lan0/ifindex)" type dummy
  take_picture >/run/test/before
  the_kernel_brings_it_back_as the-port-on-the-left
  expect ': dev0@' "$(ip -o link show the-port-on-the-left)"
  is_put_right_by_reap
}

# A port without a wire has a carrier until it is first shut.
picture_of_lan1() {
  ip -n blue -j addr show dev lan1 | jq 'del(.[].operstate, .[].flags)'
}

# Lent from a namespace that is not the first.
what_the_kernel_brought_to_the_first_namespace_goes_on_to_its_home() {
  ip netns add blue
  ip netns exec blue sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip link set lan1 netns blue
  ip -n blue addr add 192.0.2.20/24 dev lan1
  ip -n blue link set lan1 up
  picture_of_lan1 >/run/test/before
  unshare --net sleep 1000000 &
  borrower=$!
  wait_until has_left_home "$borrower"
  ip netns exec blue "$programs/netlend" lend lan1 --to "pid:$borrower" name=eth1
  end_without_trace "$borrower"
  wait_until is_here eth1
  netlend reap
  picture_of_lan1 >/run/test/after
  diff /run/test/before /run/test/after
  has_no_trace
}

what_a_nested_namespace_took_along_is_put_right_by_reap() {
  # shellcheck disable=SC2016 # for the shell inside
  make_bundle c1 "$lan0" "$with_capabilities" sh -ec '
    unshare -n sleep 1000000 &
    until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
    ip link set eth1 netns $!
    wait'
  create_container c1
  init=$(init_pid c1)
  runc start c1
  wait_until fails nsenter --target "$init" --net ip link show eth1
  end_without_trace "$init"
  wait_until is_here eth1
  netlend reap
  is_home
  runc delete --force c1
}

two_that_come_back_under_each_others_names_have_their_own_again() {
  local nested
  ip link set lan1 up
  ip link property add dev lan0 altname port-0
  ip netns add blue
  take_picture >/run/test/before
  echo '{"netlend": 1, "nics": [{"inside": "eth0", "source": "lan0"},
    {"inside": "eth1", "source": "lan1"}]}' >/run/test/plan.json
  netlend lend --plan /run/test/plan.json --to netns:blue
  ip netns exec blue unshare --net sleep 1000000 &
  nested=$!
  wait_until has_left_home_and_blue "$nested"
  ip -n blue link set eth0 netns "$nested"
  ip -n blue link set eth1 netns "$nested"
  nsenter --target "$nested" --net sh -ec '
    ip link set eth0 name lan1
    ip link set eth1 name lan0
    ip link property del dev lan1 altname port-0
    ip link property add dev lan0 altname port-0'
  kill_guardian
  kill_all "$nested"
  wait_until is_here lan0
  wait_until is_here lan1
  netlend reap
  ip netns del blue
  netlend reap
  is_unchanged
}
has_left_home_and_blue() { has_left_home "$1" && [[ ! /proc/$1/ns/net -ef /run/netns/blue ]]; }

what_was_moved_on_to_a_namespace_that_lives_comes_home() {
  ip netns add blue
  ip netns add green
  for way in return reap; do
    netlend lend lan0 --to netns:blue name=eth0
    ip -n blue link property del dev eth0 altname "$(ip -n blue -j link show eth0 |
      jq -r '.[].altnames[] | select(startswith("netlend-"))')"
    ip -n blue link set eth0 netns green index 77
    if [[ $way == return ]]; then
      netlend return lan0
    else
      kill_guardian
      ip netns del blue
      netlend reap
    fi
    is_home
  done
}

what_was_unplugged_is_told_of_and_keeps_nothing_else_away() {
  ip link add other0 type dummy
  make_bundle c1 '{"io.netlend.nic.eth1": "lan0", "io.netlend.nic.eth2": "other0"}' . sleep 1000000
  write_rules '{"device": "*"}'
  create_container c1
  runc start c1
  echo 7 >$simulator/del_device
  runc delete --force c1 2>/run/test/err
  is_here other0
  wait_until fails pgrep netlend-guard
  output=$(fails netlend reap 2>&1)
  expect "device 'lan0' (lent to 'c1' as 'eth1') is neither at home nor" "$output"
  netlend return --forget lan0
  has_no_trace
}

# ---- what a device is by itself ------------------------------------------------------------------

picture_of_settings() {
  for option in k g c a -show-fec; do ethtool -$option lan0; done
  tc qdisc show dev lan0
  tc filter show dev lan0 ingress
  tc filter show dev lan0 egress
}

what_ethtool_sets_comes_home_as_it_was() {
  ethtool -G lan0 rx 600 tx 700
  ethtool -C lan0 rx-usecs 11 tx-frames 22
  ethtool -A lan0 rx on
  ethtool -K lan0 tso off
  ethtool --set-fec lan0 encoding auto rs
  picture_of_settings >/run/test/settings
  take_picture >/run/test/before
  ip netns add blue
  output=$(netlend plan lend lan0 --to netns:blue name=eth0)
  expect 'ring settings' "$output"
  netlend lend lan0 --to netns:blue name=eth0
  ip netns exec blue ethtool -G eth0 rx 60 tx 70
  ip netns exec blue ethtool -C eth0 rx-usecs 1 tx-frames 2
  ip netns exec blue ethtool -A eth0 rx off tx on
  ip netns exec blue ethtool -K eth0 tso on
  ip netns exec blue ethtool --set-fec eth0 encoding baser off
  netlend return lan0
  picture_of_settings | diff /run/test/settings -
  is_home
}

# A card with several queues. What it is told of EEE it takes only while it is up.
make_card0() {
  echo '9 1 4' >$simulator/new_device
  settle
  ip link set "$(ls $simulator/devices/netdevsim9/net)" name card0 up
  ip link set card0 down # see make_ports
  ip link set card0 up
  ethtool -X card0 equal 3 hkey 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f
  ethtool -N card0 rx-flow-hash udp4 sdfn
  ethtool -N card0 flow-type tcp4 dst-port 80 action 2 loc 1
  ethtool -N card0 flow-type udp4 dst-port 53 action 3 loc 2
  ethtool --set-tunable card0 rx-copybreak 77
  ethtool --set-eee card0 eee on tx-timer 5
}

picture_of_card0() {
  for option in l x n -show-eee; do ethtool -$option card0; done
  ethtool -n card0 rx-flow-hash udp4
  ethtool --get-tunable card0 rx-copybreak
}

what_a_card_steers_by_comes_home_as_it_was() {
  make_card0
  picture_of_card0 >/run/test/settings
  take_picture >/run/test/before
  ip netns add blue
  output=$(netlend plan lend card0 --to netns:blue name=eth0)
  expect '2 steering rules' "$output"
  netlend lend card0 --to netns:blue name=eth0
  ip netns exec blue ip link set eth0 up
  ip netns exec blue ethtool -X eth0 weight 0 0 0 1 hkey ff:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f
  ip netns exec blue ethtool -N eth0 rx-flow-hash udp4 sd
  ip netns exec blue ethtool -N eth0 delete 1
  ip netns exec blue ethtool -N eth0 flow-type tcp6 dst-port 22 action 3 loc 0
  ip netns exec blue ethtool -N eth0 flow-type udp4 dst-port 54 action 3 loc 2
  ip netns exec blue ethtool --set-tunable eth0 rx-copybreak 7
  ip netns exec blue ethtool --set-eee eth0 eee off tx-timer 6
  netlend return card0
  picture_of_card0 | diff /run/test/settings -
  is_home

  # Home's channels can become fewer only once its table is back.
  ethtool -X card0 equal 2
  ethtool -N card0 delete 1
  ethtool -N card0 delete 2
  ethtool -L card0 combined 2
  picture_of_card0 >/run/test/settings
  netlend lend card0 --to netns:blue name=eth0
  ip netns exec blue ethtool -L eth0 combined 4
  ip netns exec blue ethtool -X eth0 weight 0 0 0 1
  ip netns exec blue ethtool -N eth0 flow-type tcp6 dst-port 22 action 3 loc 0
  netlend return card0
  picture_of_card0 | diff /run/test/settings -
}

filters_and_queues_come_home_and_those_of_the_borrower_go() {
  tc qdisc replace dev lan0 root handle 5: fq_codel limit 777 ecn
  tc qdisc add dev lan0 clsact
  tc filter add dev lan0 ingress protocol ip pref 3 flower dst_ip 192.0.2.0/25 ip_proto tcp \
    dst_port 80 action mirred egress redirect dev lan1
  tc filter add dev lan0 egress pref 4 matchall action mirred egress mirror dev lan1
  picture_of_settings >/run/test/settings
  take_picture >/run/test/before
  ip netns add blue
  netlend lend lan0 --to netns:blue name=eth0
  tc -n blue qdisc add dev eth0 root handle 5: htb
  tc -n blue qdisc add dev eth0 ingress
  tc -n blue filter add dev eth0 ingress pref 3 matchall classid 1:1
  netlend return lan0
  picture_of_settings | diff /run/test/settings -
  is_home
}

picture_of_chains() {
  tc chain show dev lan0 ingress
  tc chain show dev lan0 egress
  tc filter show dev lan0 ingress
}

chains_of_filters_come_home_with_their_templates() {
  tc qdisc add dev lan0 clsact
  tc chain add dev lan0 ingress chain 5
  tc chain add dev lan0 ingress protocol ip chain 7 flower ip_proto tcp dst_ip 0.0.0.0/24 \
    dst_port 80
  tc filter add dev lan0 ingress protocol ip chain 7 pref 3 flower ip_proto tcp \
    dst_ip 192.0.2.0/24 dst_port 80 classid 1:1
  tc chain add dev lan0 egress chain 8 flower
  picture_of_chains | tee /run/test/settings
  expect 'flower chain 7' "$(</run/test/settings)"
  expect 'flower chain 8' "$(</run/test/settings)"
  take_picture >/run/test/before
  ip netns add blue
  expect 'filter chain 7 parent ffff:fff2 template flower' \
    "$(netlend plan lend lan0 --to netns:blue name=eth0)"
  netlend lend lan0 --to netns:blue name=eth0
  tc -n blue qdisc add dev eth0 clsact
  tc -n blue chain add dev eth0 ingress protocol ip chain 9 flower src_ip 0.0.0.0/8
  netlend return lan0
  picture_of_chains | diff /run/test/settings -
  is_home
  tc chain add dev lan0 egress protocol 802.1q chain 10 flower vlan_id 5
  expect "filter chain '10 parent ffff:fff3 template flower' (its template" \
    "$(fails netlend lend lan0 --to netns:blue name=eth0 2>&1)"
}

picture_of_queue0() {
  tc qdisc show dev queue0
  tc filter show dev queue0
  tc chain show dev queue0
}

# systemd makes fq_codel the usual queue.
filters_on_the_queue_of_the_kernel_come_home() {
  local usual
  usual=$(</proc/sys/net/core/default_qdisc)
  echo fq_codel >/proc/sys/net/core/default_qdisc
  ip link add queue0 up type ifb
  tc chain add dev queue0 chain 5
  tc filter add dev queue0 protocol ip pref 3 flower dst_ip 192.0.2.0/25 classid :7
  picture_of_queue0 | tee /run/test/settings
  expect 'fq_codel 0: root' "$(</run/test/settings)"
  ip netns add blue
  netlend lend queue0 --to netns:blue name=eth0
  tc -n blue qdisc replace dev eth0 root handle 5: htb
  netlend return queue0
  picture_of_queue0 | diff /run/test/settings -
  ip link del queue0
  echo "$usual" >/proc/sys/net/core/default_qdisc
}

every_kind_of_fair_queue_comes_home_as_it_was() {
  local queue
  ip netns add blue
  for queue in 'fq limit 777 flow_limit 77 maxrate 50mbit' 'codel limit 777 target 7ms noecn' \
    'fq_codel limit 777 flows 77 target 7ms' 'cake bandwidth 50mbit besteffort rtt 50ms'; do
    # shellcheck disable=SC2086 # its words
    tc qdisc replace dev lan0 root handle 5: $queue
    tc -d qdisc show dev lan0 | tee /run/test/settings
    expect "${queue%% *} 5:" "$(</run/test/settings)"
    take_picture >/run/test/before
    netlend lend lan0 --to netns:blue name=eth0
    tc -n blue qdisc replace dev eth0 root handle 5: htb
    netlend return lan0
    tc -d qdisc show dev lan0 | diff /run/test/settings -
    is_home
    tc qdisc del dev lan0 root
  done
}

# ---- the clock -----------------------------------------------------------------------------------

seconds_left() {
  ip -j addr show dev lan0 | jq '.[].addr_info[] | select(.local == "192.0.2.30").valid_life_time'
}

# An address that ends in an hour, in less than a minute's difference, and all else as it was.
is_home_with_its_lifetime() {
  local left
  left=$(seconds_left)
  ((left <= 3600 && left > 3540))
  ip addr del 192.0.2.30/24 dev lan0
  is_home
}

# Only in a kernel of its own can a test set the clock. One borrower lives, one dies.
a_clock_that_jumps_disturbs_no_loan() {
  local jump
  for jump in '+10 years' '-20 years' '+10 years'; do
    ip addr add 192.0.2.30/24 dev lan0 valid_lft 3600 preferred_lft 1800
    ip netns add blue
    netlend lend lan0 --to netns:blue name=eth0
    date --set "$jump"
    expect "lan0" "$(netlend loans)"
    netlend reap # nothing of the living
    ip -n blue link show eth0
    netlend return lan0
    ip netns del blue
    is_home_with_its_lifetime

    ip addr add 192.0.2.30/24 dev lan0 valid_lft 3600 preferred_lft 1800
    unshare --net sleep 1000000 &
    borrower=$!
    wait_until has_left_home "$borrower"
    netlend lend lan0 --to "pid:$borrower" name=eth0
    date --set '-1 hour'
    date --set '+1 hour'
    kill_all "$borrower"
    wait_until has_no_trace # by its guardian
    is_home_with_its_lifetime
  done
}

# ---- linux.netDevices ----------------------------------------------------------------------------

# make_device_bundle ID DEVICES [NETNS]: a sleeping container to which linux.netDevices gives them.
make_device_bundle() {
  make_bundle "$1" '{}' . sleep 1000000
  jq --argjson devices "$2" --arg path "${3:-}" '
      del(.hooks, .annotations)
      | .mounts |= map(select(.type != "cgroup"))
      | .linux.netDevices = $devices
      | if $path == "" then . else
          (.linux.namespaces[] | select(.type == "network")) |= . + {path: $path} end
    ' <"/run/test/$1/config.json" >"/run/test/$1/new.json"
  mv "/run/test/$1/new.json" "/run/test/$1/config.json"
}
in_container() { nsenter --target "$(netlend state "$1" | jq .pid)" --net "${@:2}"; }

network_devices_of_the_specification_are_left_to_the_kernel() {
  local inside
  ip link set lan1 up
  ip link add eth7 type dummy # what the kernel gives lan0 another name for, when it brings it here
  take_picture >/run/test/before
  make_device_bundle c1 '{"lan0": {"name": "eth%d"}, "lan1": {"name": "eth7"}}'
  netlend create --bundle /run/test/c1 c1
  inside=$(in_container c1 ip addr show dev eth0)
  expect 'inet 192.0.2.10/24' "$inside"
  expect 'inet6 2001:db8:1::10/64' "$inside"
  expect 'mtu 1400' "$inside"
  expect 'state UP' "$inside"
  in_container c1 ip link show eth7
  netlend start c1
  code=0
  output=$(netlend return c1 2>&1) || code=$?
  [[ $code == 1 ]]
  expect "came by linux.netDevices and stays with 'c1'" "$output"
  in_container c1 ip link show eth0
  netlend delete --force c1
  is_home
}

# What was up before is shown with another queue than what never was.
picture_of_down_lan1() { ip -d -j addr show dev lan1 | jq 'del(.[].qdisc)'; }

network_devices_that_are_down_are_up_inside_and_come_back_down() {
  ip link set lan1 mtu 1300
  ip addr add 192.0.2.20/24 dev lan1
  picture_of_down_lan1 >/run/test/before
  make_device_bundle c1 '{"lan1": {"name": "eth0"}}'
  netlend create --bundle /run/test/c1 c1
  expect ',UP' "$(in_container c1 ip addr show dev eth0)"
  expect 'inet 192.0.2.20/24' "$(in_container c1 ip addr show dev eth0)"
  netlend delete --force c1
  picture_of_down_lan1 | diff /run/test/before -
  has_no_trace
}

network_devices_are_put_right_by_the_guardian_alone() {
  make_device_bundle c1 '{"lan0": {}}'
  netlend create --bundle /run/test/c1 c1
  in_container c1 sh -c 'ip link set lan0 down; ip link set lan0 name mine address 02:00:00:00:00:99'
  kill -KILL "$(netlend state c1 | jq .pid)"
  wait_until is_here lan0
  wait_until is_home_but_for_the_container
  netlend delete --force c1
  is_home
}
is_home_but_for_the_container() { is_unchanged && [[ -z $(find /run/netlend/ledgers -type f) ]]; }

network_devices_in_a_namespace_that_lives_on_stay_there() {
  ip netns add pod
  make_device_bundle c1 '{"lan0": {"name": "eth0"}}' /run/netns/pod
  netlend create --bundle /run/test/c1 c1
  output=$(netlend delete --force c1 2>&1)
  expect "stays with 'c1' until the network namespace there ends" "$output"
  ip -n pod addr show dev eth0
  ip netns del pod
  wait_until has_come_back
  netlend reap
  is_home
}
# Under the name that the kernel brings it back by, or its own, if the guardian is still there.
has_come_back() { is_here eth0 || is_here lan0; }

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
