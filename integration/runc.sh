# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # programs comes from cases.sh, lan0 is for the scripts
# runc with netlend's hook in the bundles, for scripts that have sourced a cases.sh.

# make_machine_for_runc RULE...: with what the rules allow.
make_machine_for_runc() {
  make_private_run
  make_private_etc
  make_rootfs
  write_rules "$@"
}

runc() { command runc --root /run/runc "$@"; }

# make_bundle ID ANNOTATIONS JQ-FILTER COMMAND...
make_bundle() {
  local id=$1 annotations=$2 filter=$3
  shift 3
  mkdir -p "/run/test/$id"
  (cd "/run/test/$id" && rm -f config.json && runc spec)
  jq --arg hook "$programs/netlend-hook" --argjson annotations "$annotations" '
      del(.process.rlimits)
      | .process.terminal = false
      | .process.args = $ARGS.positional
      | .root = {path: "/run/test/rootfs", readonly: true}
      | .annotations = $annotations
      | .hooks = {createRuntime: [{path: $hook, args: ["netlend-hook", "createRuntime"]}],
                  poststop: [{path: $hook, args: ["netlend-hook", "poststop"]}]}
      | '"$filter" --args -- "$@" <"/run/test/$id/config.json" >"/run/test/$id/new.json"
  mv "/run/test/$id/new.json" "/run/test/$id/config.json"
}

lan0='{"io.netlend.nic.eth1": "lan0 addr=10.77.0.2/24"}'

run_container() { runc run --bundle "/run/test/$1" "$1" </dev/null; }
create_container() { runc create --bundle "/run/test/$1" "$1" </dev/null; }
init_pid() { runc state "$1" | jq .pid; }

# A container that runs until it is killed.
start_container() {
  make_bundle "$1" "$2" . sleep 1000000
  create_container "$1"
  runc start "$1"
}
