# shellcheck shell=bash
# Each case runs in namespaces of its own, with a private /run and /sys/fs/cgroup, that die with it.
# shellcheck source=integration/cases.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cases.sh"

make_lan0() { ip link add lan0 type veth peer name eth0 netns neighbour; }

# ---- namespaces and cgroups of its own ----------------------------------------------------------

# mount_hierarchy CONTROLLERS FOLDER: one cgroup hierarchy, which is named as in /proc/self/cgroup.
mount_hierarchy() {
  case $1 in
    '') mount -t cgroup2 cgroup2 "$2" ;;
    name=*) mount -t cgroup -o "none,$1" cgroup "$2" ;;
    *) mount -t cgroup -o "$1" cgroup "$2" ;;
  esac
}

# Runs a command in a fresh group below this shell's own in every hierarchy, and removes these groups
# and all that was made in them. For a shell with mount and cgroup namespaces of its own.
in_own_cgroups() {
  local group=netlend-test-$BASHPID-$RANDOM controllers folder code=0
  mount -t tmpfs tmpfs /run
  while IFS=: read -r _ controllers _; do
    folder=/run/${controllers:-unified}
    mkdir "$folder"
    mount_hierarchy "$controllers" "$folder"
    mkdir "$folder/$group"
    if [[ $controllers == *cpuset* ]]; then # a new one is empty, and nothing can run in it
      cat "$folder/cpuset.cpus" >"$folder/$group/cpuset.cpus"
      cat "$folder/cpuset.mems" >"$folder/$group/cpuset.mems"
    fi
  done </proc/self/cgroup
  (
    for folder in /run/*/"$group"; do echo 0 >"$folder/cgroup.procs"; done
    exec "$@"
  ) || code=$?
  find /run/*/"$group" -depth -type d -exec rmdir {} +
  return "$code"
}

# Shows what in_own_cgroups made as the machine's cgroups, in the layout that the machine has. For a
# shell that got its cgroup namespace in there.
mount_own_cgroups() {
  local controllers folder
  umount --recursive /run
  umount --recursive /sys/fs/cgroup
  if ! grep -qv '^0::' /proc/self/cgroup; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    folder=${controllers#name=}
    mkdir "/sys/fs/cgroup/${folder:-unified}"
    mount_hierarchy "$controllers" "/sys/fs/cgroup/${folder:-unified}"
  done </proc/self/cgroup
}

# ---- a case, in three steps ---------------------------------------------------------------------

# Each is this script again, in more namespaces of its own.
run_apart() {
  NETLEND_STAGE=enter_cgroups unshare --mount --cgroup --kill-child -- bash "$1" "$programs" "$2"
}

enter_cgroups() {
  in_own_cgroups env NETLEND_STAGE=perform_in_cgroups unshare --mount --net --ipc --uts --pid \
    --cgroup --fork --mount-proc --kill-child -- bash "$1" "$programs" "$2"
}

perform_in_cgroups() {
  set -e
  mount_own_cgroups
  perform "$2"
}

clean_up() { :; }
