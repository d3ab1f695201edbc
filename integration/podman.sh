# shellcheck shell=bash
# shellcheck disable=SC2154 # programs comes from cases.sh
# podman with netlend's hook installed as for a user, for scripts that have sourced a cases.sh.

# make_engine RUNTIME CGROUP-MANAGER: with storage, configuration, hooks and an image of its own. Needs
# a private /run.
make_engine() {
  export TMPDIR=/run/test
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  mkdir -p /var/lib/containers
  mount -t tmpfs -o mode=755 tmpfs /var/lib/containers
  make_private_etc
  cp -a /usr/share/containers /run/share
  mount --bind /run/share /usr/share/containers
  rm -rf /usr/share/containers/oci
  write_rules '{"device": "lan*"}'
  install_hook /usr/share/containers/oci/hooks.d
  configure_podman "$@"
  make_rootfs
  tar -C /run/test/rootfs -c . | podman import --quiet - box >/dev/null
  # As podman has it from its first container on a bridge on.
  sysctl -qw net.ipv4.ip_forward=1
}

# configure_podman RUNTIME CGROUP-MANAGER: root may have no CAP_SYS_RESOURCE to raise limits with, and
# the journal is not there.
configure_podman() {
  mkdir -p /etc/containers
  cat >/etc/containers/containers.conf <<END
[containers]
default_ulimits = []
log_driver = "k8s-file"
[engine]
cgroup_manager = "$2"
events_logger = "file"
runtime = "$1"
[network]
network_backend = "netavark"
END
  cat >/etc/containers/storage.conf <<END
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
END
}

# install_hook FOLDER [JQ-FILTER]: what make install does, with the hook where it was built.
install_hook() {
  local shipped
  shipped=$(dirname "${BASH_SOURCE[0]}")/../packaging/hooks.d/50-netlend.json
  mkdir -p "$1"
  jq --arg hook "$programs/netlend-hook" ".hook.path = \$hook | ${2:-.}" "$shipped" >"$1/50-netlend.json"
}

lan0='io.netlend.nic.eth1=lan0 addr=10.77.0.2/24'

# start_container NAME [OPTION...]: one that runs until it is killed.
start_container() {
  local name=$1
  shift
  podman run --detach --name "$name" --network none --annotation "$lan0" "$@" box sleep 1000000
}

init_pid() { podman inspect --format '{{.State.Pid}}' "$1"; }
conmon_pid() { cat "$(podman inspect --format '{{.ConmonPidFile}}' "$1")"; }
eth1_in() { podman exec "$1" ip addr show dev eth1; }
is_lent_to() {
  expect 'inet 10.77.0.2/24' "$(eth1_in "$1")"
  fails ip link show lan0
}

# An engine gives back when its monitor comes to it, a guardian when it sees the borrower die.
comes_home() {
  wait_until is_home || is_home
  wait_until fails pgrep netlend
}
