# shellcheck shell=bash
# shellcheck disable=SC2154 # who sources it has set programs and modes
# What a borrower of addresses is promised in every mode; the scripts of host and guest that source
# it say in $modes which ones their kernel has. For the kernel's side of it, runtime/net/l3.

# Another address of its network, which the machine speaks from meanwhile.
furnish_for_addresses() {
  ip addr add 192.0.2.11/24 dev lan0
  ip addr add 2001:db8:1::11/64 dev lan0
  ip -n neighbour addr add 2001:db8:1::1/64 dev eth0 nodad
  take_picture >/run/test/before
}

# start ID ADDRESSES COMMAND...: in the background, with its pid in $run.
start() {
  "$programs/netlend" run --name "$1" --l3 "$2" -- "${@:3}" </dev/null >"/run/test/$1" 2>&1 &
  run=$!
}

is_lent() { netlend loans | grep "$1"; }

is_answered() { ip netns exec neighbour ping -c 1 -W 1 "$1"; }
# hears NAME ADDRESS: from who listens on port 80 there.
hears() { [[ $(ip netns exec neighbour busybox nc -w 2 "$2" 80 </dev/null) == "$1" ]]; }

stop() {
  kill "$1"
  wait "$1" || true
}

# Who has what mode kernel gives away; and the pairs of the other modes.
is_owned() { [[ $(tail -n +2 /proc/net/l3_ns) ]]; }
is_nobodys() { fails is_owned; }
is_pair_gone() { [[ $(ip link show) != *nl-* ]]; }

# kill_everything: the guardian first, as nothing of ours is to be alive when the borrower dies.
kill_everything() {
  local guardian
  guardian=$(jq .ledger.guardian.pid /run/netlend/ledgers/*)
  kill -KILL "$guardian" "$run"
  wait_until is_gone "$guardian"
}

# let_go MODE: the kernel alone has ended the loan.
let_go() { if [[ $1 == kernel ]]; then is_nobodys; else is_pair_gone; fi; }

# answers_again MODE: with nothing of ours alive; what is left then is to be reaped.
answers_again() {
  wait_until let_go "$1"
  is_answered 192.0.2.10
  is_answered 2001:db8:1::10
  netlend reap
  is_home
}

with_everything_killed_the_host_has_it_again() {
  local mode
  furnish_for_addresses
  for mode in "${modes[@]}"; do
    echo "mode $mode"
    start box "192.0.2.10 2001:db8:1::10 mode=$mode" sleep 1000
    wait_until is_lent ready
    fails let_go "$mode"
    kill_everything
    answers_again "$mode"
  done
}

# listen_on_the_same_port WORD: in two SPECs; and home beside them.
listen_on_the_same_port() {
  ip addr add 192.0.2.12/24 dev lan0
  furnish_for_addresses
  start one "192.0.2.10 $1" busybox nc -ll -p 80 -e /bin/hostname
  first=$run
  wait_until is_lent 192.0.2.10
  start two "192.0.2.11 $1" busybox nc -ll -p 80 -e /bin/hostname
  second=$run
  wait_until is_lent 192.0.2.11
  busybox nc -ll -p 80 -e /bin/echo home &
  home=$!
  wait_until hears one 192.0.2.10
  wait_until hears two 192.0.2.11
  wait_until hears home 192.0.2.12
  kill "$first" "$second" "$home"
  wait "$first" "$second" "$home" || true
  is_home
}

# device_inside MODE: that the addresses are on.
device_inside() { if [[ $1 == kernel ]]; then echo lan0; else echo eth0; fi; }

# What a borrower must not be able to do, a line each.
kept_from_borrowers='ip link add x0 type veth peer name x1
ip addr add 192.0.2.99/32 dev eth0
ip link set eth0 down
ip route add 198.51.100.0/24 dev eth0
sysctl -qw net.ipv4.ip_nonlocal_bind=1
unshare --net true
unshare --user --map-root-user --net true
nsenter --net=/proc/self/ns/net true
python3 -c "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"
python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)"
python3 -c "import socket; socket.socket().setsockopt(socket.SOL_IP, 19, 1)"'

a_borrower_has_no_rights_over_its_network() {
  local mode output set bits
  furnish_for_addresses
  # Each of these can be done with the rights, or its failing would say nothing.
  unshare --mount --net bash -ec "mount -t sysfs sysfs /sys
    ip link add eth0 type veth peer name far0; ip link set eth0 up; ip addr add 192.0.2.98/24 dev eth0
    ${kept_from_borrowers/ip link set eth0 down/true}"
  for mode in "${modes[@]}"; do
    echo "mode $mode"
    output=$(netlend run --l3 "192.0.2.10 mode=$mode" -- sh -c "
      grep '^Cap' /proc/self/status
      python3 -c 'import socket; socket.socket()' || echo 'done: nothing can be tried here'
      while read -r line; do
        ! sh -c \"\$line\" || echo \"done: \$line\"
      done" <<<"${kept_from_borrowers//eth0/$(device_inside "$mode")}" 2>/run/test/err)
    fails expect 'done: ' "$output" >/dev/null
    while read -r set bits; do
      echo "$set $bits"
      # CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN
      ((((16#$bits >> 12) & 1) == 0 && ((16#$bits >> 13) & 1) == 0 && ((16#$bits >> 21) & 1) == 0))
    done <<<"${output//:/}"
    is_home
  done
}

# Who lends is the root of a tree, and who borrows a leaf that is listed below it.
a_borrower_is_listed_with_its_home_and_lends_nothing_on() {
  local mode loans
  furnish_for_addresses
  for mode in "${modes[@]}"; do
    echo "mode $mode"
    start "box-$mode" "192.0.2.10 2001:db8:1::10 mode=$mode" sleep 1000
    wait_until is_lent ready
    loans=$(netlend loans --format json)
    [[ $(jq -r '.loans[] | .borrower, .mode, .addresses[].address' <<<"$loans" | xargs) == \
      "box-$mode $mode 192.0.2.10 2001:db8:1::10" ]]
    [[ $(jq '.loans[0].home_inode' <<<"$loans") == $(stat -L -c %i /proc/self/ns/net) ]]
    [[ $(jq '.loans[0].netns_inode' <<<"$loans") == \
      $(stat -L -c %i "/proc/$(jq '.loans[0].pid' <<<"$loans")/ns/net") ]]
    [[ $(netlend show --format json | jq -r '.namespaces[].role' | xargs) == 'home borrower' ]]
    expect "lent 192.0.2.10 2001:db8:1::10 to box-$mode" "$(netlend show | tr -s '\n ' ' ')"
    stop "$run"
    fails netlend run --show "$programs" --l3 "192.0.2.10 mode=$mode" -- \
      "$programs/netlend" run --l3 192.0.2.10 -- true 2>/run/test/err
    is_home
  done
  # Refused it was, and not merely not found.
  expect netlend "$(cat /run/test/err)"
}
