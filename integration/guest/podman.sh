# shellcheck shell=bash
# podman with crun in the guest, with netlend's hook installed as for a user.
# shellcheck source=integration/guest/cases.sh
source "$(dirname "${BASH_SOURCE[0]}")/cases.sh"

# make_engine CGROUP-MANAGER: with /run/test there already.
make_engine() {
  export TMPDIR=/run/test
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  mkdir -p /var/lib/containers
  mount -t tmpfs -o mode=755 tmpfs /var/lib/containers
  cp -a /etc /run/etc
  mount --bind /run/etc /etc
  mkdir -p /etc/netlend /etc/containers /usr/share/containers/oci/hooks.d
  write_rules '{"device": "lan*"}'
  jq --arg hook "$programs/netlend-hook" '.hook.path = $hook' \
    "$here/../../packaging/hooks.d/50-netlend.json" \
    >/usr/share/containers/oci/hooks.d/50-netlend.json
  cat >/etc/containers/containers.conf <<END
[containers]
default_ulimits = []
log_driver = "k8s-file"
[engine]
cgroup_manager = "$1"
events_logger = "file"
runtime = "crun"
[network]
network_backend = "netavark"
END
  cat >/etc/containers/storage.conf <<END
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
END
  make_rootfs
  tar -C /run/test/rootfs -c . | podman import --quiet - box >/dev/null
  # As podman has it from its first container on a bridge on.
  sysctl -qw net.ipv4.ip_forward=1
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
is_lent_to() {
  expect 'inet 10.77.0.2/24' "$(podman exec "$1" ip addr show dev eth1)"
  fails ip link show lan0
}
