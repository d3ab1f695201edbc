#!/bin/bash
# Addresses that are lent in each mode, on a kernel that has them all: the same promises to the same
# tests (runtime/net/l3).
# shellcheck source=integration/guest/cases.sh
source "$(dirname "$0")/cases.sh"
# shellcheck source=integration/l3_cases.sh
source "$(dirname "$0")/../l3_cases.sh"

tests=$(realpath "$(dirname "$0")/../../build/dev/tests")
# shellcheck disable=SC2034 # the cases use it
modes=(routed netkit ipvlan macvlan)
cases=(
  a_borrower_has_no_rights_over_its_network
  a_borrower_is_listed_with_its_home_and_lends_nothing_on
  addresses_are_lent_by_routes
  addresses_are_lent_by_netkit
  addresses_are_lent_by_ipvlan
  addresses_are_lent_by_macvlan
)

make_lan0() { ip link add lan0 type veth peer name eth0 netns neighbour; }
# Without what Linux 6.17 brought, IPv6 is forwarded by a router alone.
make_machine() {
  make_private_run
  sysctl -qw net.ipv6.conf.all.forwarding=1
}

# promises MODE [OPTION...]: kept also where who lends or gives back is killed at any step.
promises() {
  NETLEND_L3_MODE=$1 "$tests/l3_test" --log_level=message --color_output=no \
    --run_test='lent_addresses:modes:address_failures/whoever_*:changes_at_home/a_pair*' "${@:2}"
}

addresses_are_lent_by_routes() { promises routed; }
addresses_are_lent_by_netkit() { promises netkit; }
# Those that put a device on home's own aren't there without nftables.
without_tc='--run_test=!modes/where_nftables_cannot_copy_broadcasts_traffic_control_does'
addresses_are_lent_by_ipvlan() { promises ipvlan "$without_tc"; }
addresses_are_lent_by_macvlan() { promises macvlan "$without_tc"; }

(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
