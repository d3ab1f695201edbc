#!/bin/bash
# netlend as an OCI runtime: the same bundles as with Debian's runc, and what it lends to them. Each
# case has cgroups of its own.
# What stands in single quotes is for jq or for the shell inside.
# shellcheck disable=SC2016
# shellcheck source=integration/host/cases.sh
source "$(dirname "$0")/cases.sh"

cases=(
  a_container_sees_what_it_sees_under_runc
  another_user_is_what_it_is_under_runc
  a_working_folder_that_is_missing_is_made_as_under_runc
  its_cgroups_are_its_own
  the_state_has_what_runc_says
  it_is_created_started_killed_and_deleted
  what_is_not_its_turn_is_refused_without_effect
  an_id_belongs_to_one_container
  the_pid_file_is_there_and_ends_without_a_newline
  a_config_that_changes_after_create_changes_nothing
  its_exit_code_is_the_processes_own
  signals_go_to_the_process
  what_runs_beside_the_first_process_is_killed_too
  hooks_run_in_order_as_under_runc
  hooks_run_in_the_namespaces_of_their_stage
  a_hook_that_fails_leaves_nothing_and_poststop_runs
  a_poststop_hook_that_fails_is_a_warning
  a_command_that_is_not_there_leaves_nothing
  what_is_wrong_in_a_config_has_its_pointer
  namespaces_are_joined_by_their_paths
  mounts_are_made_inside_the_root_whatever_links_say
  nothing_is_mounted_inside_proc
  options_of_mounts_do_what_they_say
  hidden_paths_are_hidden_and_protected_ones_protected
  without_pivot_root_the_proc_of_the_host_is_out_of_reach
  the_terminal_goes_to_the_console_socket
  an_attached_terminal_is_shown
  an_attached_terminal_writes_to_standard_output_wherever_that_goes
  only_the_standard_and_the_preserved_descriptors_are_open
  the_program_can_not_be_overwritten_from_inside
  systemd_is_refused_as_the_maker_of_cgroups
  containers_of_another_root_are_others
  a_device_is_lent_from_create_to_delete
  how_a_device_comes_home_is_said_as_it_is
  a_device_is_lent_to_a_container_that_is_run
  a_container_with_lent_addresses_has_no_rights_over_the_network
  a_device_is_lent_by_hand_to_a_container_by_its_id
  annotations_are_obeyed_where_a_rule_allows
  a_refused_annotation_destroys_no_network_device
  a_network_device_that_can_not_be_had_is_named_and_nothing_is_changed
  a_plan_of_a_bundle_says_all_that_it_asks_for
  what_is_asked_for_twice_is_refused_before_anything_is_lent
  the_hook_beside_it_does_no_harm
  a_create_that_fails_gives_back_what_it_lent
  a_create_that_fails_brings_network_devices_home
  a_netlend_killed_anywhere_in_create_leaves_what_delete_cleans_up
  a_netlend_killed_while_its_container_runs_has_left_a_guardian_with_it
  a_netlend_killed_while_its_container_runs_leaves_what_delete_cleans_up
)

# ---- the machine --------------------------------------------------------------------------------

make_machine() {
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/test /run/out
  cp -a /etc /run/etc
  mount --bind /run/etc /etc
  make_rootfs
}

# busybox, static or with its libraries.
make_rootfs() {
  local root=/run/test/b/rootfs name libraries
  mkdir -p $root/{bin,dev,proc,sys,etc,tmp,out}
  cp /bin/busybox $root/bin/
  for name in $(busybox --list | grep -vx busybox); do ln -sf busybox "$root/bin/$name" 2>/dev/null; done
  libraries=$(ldd /bin/busybox 2>/dev/null | grep --only-matching '/[^ ]*' || true)
  for name in $libraries; do cp --parents --dereference "$name" $root; done
  echo 'root:x:0:0::/root:/bin/sh' >$root/etc/passwd
  echo 'alice:x:1000:1000::/home/alice:/bin/sh' >>$root/etc/passwd
  cd /run/test/b
  runc spec
}

# configure JQ-FILTER [COMMAND...]: the config of `runc spec` with changes.
configure() {
  local filter=$1
  shift
  [[ -e /run/test/spec.json ]] || cp config.json /run/test/spec.json
  jq '.process.terminal = false | .process.args = $ARGS.positional
      | .mounts += [{destination: "/out", type: "bind", source: "/run/out", options: ["bind"]}]
      | '"$filter" --args -- "$@" </run/test/spec.json >config.json
}

run_runc() { runc --root /run/runc run "$@" </dev/null; }
status_of() { netlend state "$1" | jq -r .status; }
pid_of() { netlend state "$1" | jq .pid; }
is_status() { [[ $(status_of "$1") == "$2" ]]; }

# exits_with CODE VERB...
exits_with() {
  local wanted=$1 code=0
  shift
  netlend "$@" </dev/null || code=$?
  [[ $code == "$wanted" ]]
}

# Nothing of any container: no record, process, cgroup or mount.
has_nothing_left() {
  [[ -z $(ls -A /run/netlend/containers) ]] &&
    [[ -z $(find /sys/fs/cgroup -path '*/netlend/*' -not -name .guardian -type d) ]] &&
    [[ $(pgrep --count '^sleep$') == 0 ]] &&
    fails grep -E '/rootfs' /proc/self/mountinfo
}

# ---- what is inside -----------------------------------------------------------------------------

# What differs from run to run is left out: ids and devices of mounts, times, inodes.
look_around='
  id; umask; pwd; env | sort; hostname
  grep -E "^(Cap|NoNewPrivs|Seccomp|Groups|Uid|Gid)" /proc/self/status
  cat /proc/self/limits /proc/self/oom_score_adj
  ls /proc/self/fd
  for f in /dev/*; do stat -c "%n %F %a %u %g %t %T" $f; done
  for f in fd stdin stdout stderr ptmx; do readlink /dev/$f; done
  touch /x 2>&1; ls -a /
'
mounts_inside() { jq -R 'split(" ") | [.[4], .[5], (.[index("-") + 1])] | join(" ")' -r; }

a_container_sees_what_it_sees_under_runc() {
  configure . sh -c "$look_around"
  run_runc c1 >/run/out/runc
  netlend run c1 >/run/out/netlend </dev/null
  diff /run/out/runc /run/out/netlend
  # runc protects and covers by other mounts, and shows a cgroup with links.
  configure '.linux.maskedPaths = [] | .linux.readonlyPaths = []' sh -c 'cat /proc/self/mountinfo'
  run_runc c1 | mounts_inside | grep -v /sys/fs/cgroup >/run/out/runc
  netlend run c1 </dev/null | mounts_inside | grep -v /sys/fs/cgroup >/run/out/netlend
  diff /run/out/runc /run/out/netlend
  has_nothing_left
}

another_user_is_what_it_is_under_runc() {
  configure '.process.user = {uid: 1000, gid: 1000, umask: 63, additionalGids: [7, 8]}
    | .process.cwd = "/tmp/deep/folder" | .root.readonly = false | .process.oomScoreAdj = 500
    | .process.rlimits = [{type: "RLIMIT_CORE", hard: 1, soft: 0}]
    | .process.noNewPrivileges = false | .hostname = "box"' sh -c "$look_around"
  run_runc c1 >/run/out/runc
  netlend run c1 >/run/out/netlend </dev/null
  diff /run/out/runc /run/out/netlend
  expect HOME=/home/alice "$(cat /run/out/netlend)"
  expect 'uid=1000(alice) gid=1000 groups=7,8' "$(cat /run/out/netlend)"
}

a_working_folder_that_is_missing_is_made_as_under_runc() {
  local runtime is_readonly
  for is_readonly in true false; do
    configure ".root.readonly = $is_readonly | .process.cwd = \"/new/deep\"" pwd
    for runtime in run_runc 'netlend run'; do
      [[ $($runtime c1 </dev/null) == /new/deep ]]
      [[ $(stat --format='%a %U' rootfs/new/deep) == '755 root' ]]
      rm -r rootfs/new
    done
  done
  fails_at '/process/args: names no program' '.process.args = []'
  fails_at '/process/args: names no program' 'del(.process.args)'
  fails_at '/process/cwd: make the folder' '.process.cwd = "/proc/nosuch"'
  fails_at "/process/cwd: enter '/bin/busybox'" '.process.cwd = "/bin/busybox"'
}

its_cgroups_are_its_own() {
  configure '.linux.cgroupsPath = "/mine/c1"' sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup; sleep 1000000'
  netlend create c1 </dev/null >/run/out/seen
  fails grep -v ':/mine/c1$' "/proc/$(pid_of c1)/cgroup"
  netlend start c1
  wait_until grep -q . /run/out/seen
  netlend delete --force c1
  [[ -z $(find /sys/fs/cgroup -path '*/mine/c1') ]]
  has_nothing_left
}

# ---- the life of a container --------------------------------------------------------------------

the_state_has_what_runc_says() {
  configure '.annotations = {"org.example": "a b"}' sleep 1000000
  netlend create c1 </dev/null
  runc --root /run/runc create c2 </dev/null
  for key in id status bundle annotations; do
    diff <(netlend state c1 | jq ".$key" | sed s/c1/c2/) <(runc --root /run/runc state c2 | jq ".$key")
  done
  netlend state c1 | jq -e '.ociVersion | startswith("1.")'
  netlend state c1 | jq -e '.created | fromdateiso8601? // sub("\\.[0-9]+Z$"; "Z") | fromdateiso8601'
  [[ -e /proc/$(pid_of c1)/exe ]]
  runc --root /run/runc delete --force c2
  netlend delete c1
}

it_is_created_started_killed_and_deleted() {
  configure . sh -c 'echo ran >/out/ran; sleep 1000000'
  netlend create c1 </dev/null
  is_status c1 created
  [[ ! -e /run/out/ran ]]
  netlend start c1
  is_status c1 running
  wait_until test -s /run/out/ran
  [[ $(netlend list | tail -1) == "c1  $(pid_of c1)  running  /run/test/b  "* ]]
  [[ $(netlend list -q) == c1 ]]
  [[ $(netlend list --format json | jq -r '.[].id') == c1 ]]
  netlend kill c1 9
  wait_until is_status c1 stopped
  netlend delete c1
  [[ -z $(netlend list -q) ]]
  has_nothing_left
}

what_is_not_its_turn_is_refused_without_effect() {
  configure . sleep 1000000
  for verb in state start kill delete; do
    expect 'does not exist' "$(fails netlend $verb c1 2>&1)"
  done
  netlend delete --force c1
  netlend create c1 </dev/null
  netlend start c1
  expect 'c1'"' is running; only one that is created can be started" "$(fails netlend start c1 2>&1)"
  expect "c1' is running; kill it first" "$(fails netlend delete c1 2>&1)"
  expect 'is no signal' "$(fails netlend kill c1 NOPE 2>&1)"
  is_status c1 running
  netlend kill c1 0
  netlend kill c1 KILL
  wait_until is_status c1 stopped
  expect 'container not running' "$(fails netlend kill c1 2>&1)"
  netlend kill --all c1 KILL
  expect 'is stopped; only' "$(fails netlend start c1 2>&1)"
  netlend delete c1
  has_nothing_left
}

an_id_belongs_to_one_container() {
  configure . sleep 1000000
  netlend create c1 </dev/null
  expect "a container 'c1' exists already" "$(fails netlend create c1 2>&1)"
  expect "a container 'c1' exists already" "$(fails netlend run --name c1 -- true 2>&1)"
  is_status c1 created
  netlend delete c1
  netlend run --name c1 -- true
  fails netlend create ../c1
  has_nothing_left
}

the_pid_file_is_there_and_ends_without_a_newline() {
  configure . sleep 1000000
  netlend create --pid-file /run/out/pid c1 </dev/null
  [[ $(od -An -c /run/out/pid | tr -d ' ') == "$(pid_of c1)" ]]
  netlend delete c1
}

a_config_that_changes_after_create_changes_nothing() {
  configure '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo first >/run/out/hook"]}]' \
    sh -c 'echo first >/out/ran'
  netlend create c1 </dev/null
  configure '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo second >/run/out/hook"]}]' \
    sh -c 'echo second >/out/ran'
  netlend start c1
  wait_until is_status c1 stopped
  rm config.json
  netlend delete c1
  [[ $(cat /run/out/ran /run/out/hook) == $'first\nfirst' ]]
}

its_exit_code_is_the_processes_own() {
  local code
  for code in 0 1 42 125 255; do
    configure . sh -c "exit $code"
    exits_with "$code" run c1
  done
  # The first process of a pid namespace can't kill itself.
  configure 'del(.linux.namespaces[] | select(.type == "pid"))' sh -c 'kill -9 $$'
  exits_with 137 run c1
  has_nothing_left
}

signals_go_to_the_process() {
  configure . sh -c 'trap "echo term >/out/ran; exit 7" TERM; touch /out/ready; while :; do sleep 0.01; done'
  "$programs/netlend" run c1 </dev/null &
  wait_until test -e /run/out/ready
  kill -TERM $!
  code=0
  wait $! || code=$?
  [[ $code == 7 && $(cat /run/out/ran) == term ]]
  has_nothing_left
}

# Of a container that says when it is ready, in its output folder.
start_until_ready() {
  rm -f /run/out/ready
  netlend create c1 </dev/null
  netlend start c1
  wait_until test -e /run/out/ready
}

what_runs_beside_the_first_process_is_killed_too() {
  configure 'del(.linux.namespaces[] | select(.type == "pid"))' \
    sh -c 'setsid sleep 1000000 & setsid sleep 1000000 & touch /out/ready; sleep 1000000'
  start_until_ready
  netlend kill --all c1 TERM
  wait_until is_status c1 stopped
  wait_until fails pgrep sleep
  netlend delete c1
  start_until_ready
  kill -KILL "$(pid_of c1)"
  wait_until is_status c1 stopped
  netlend kill --all c1 KILL
  wait_until fails pgrep sleep
  netlend delete c1
  start_until_ready
  netlend delete --force c1
  fails pgrep sleep
  has_nothing_left
}

# ---- hooks --------------------------------------------------------------------------------------

stages='["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]'

# Hooks of all stages, each of which writes down its name and what it is told; FAILING fails.
add_hooks() {
  mkdir -p /run/test/b/rootfs/hooks
  cat >/run/out/hook <<'END'
#!/bin/sh
state=$(cat)
folder=/run/out
[ -d "$folder" ] || folder=/out
echo "$1 $(echo "$state" | grep -o '"status": *"[a-z]*"' | tr -d ' ') $(readlink /proc/self/ns/mnt) $(echo "$state" | grep -o '"pid": *[0-9]*' | tr -d ' ')" >>"$folder/hooks.log"
[ "$1" != "$FAILING" ] || { echo "no luck" >&2; exit 3; }
END
  chmod +x /run/out/hook
  jq --arg failing "${1:-}" --argjson stages "$stages" '
    .hooks = (reduce $stages[] as $stage ({}; .[$stage] = [{
      path: (if $stage == "startContainer" then "/out/hook" else "/run/out/hook" end),
      args: ["hook", $stage], env: ["PATH=/bin:/usr/bin", "FAILING=" + $failing]}]))' \
    config.json >new.json
  mv new.json config.json
  rm -f /run/out/hooks.log
}

hooks_run_in_order_as_under_runc() {
  configure . sh -c 'sleep 0.1'
  add_hooks
  run_runc c1
  cut -d' ' -f1,2 /run/out/hooks.log >/run/out/runc
  add_hooks
  netlend run c1 </dev/null
  cut -d' ' -f1,2 /run/out/hooks.log >/run/out/netlend
  # runc 1.1 doesn't wait for the start with poststart.
  diff <(grep -v poststart /run/out/runc) <(grep -v poststart /run/out/netlend)
  diff - /run/out/netlend <<'END'
prestart "status":"creating"
createRuntime "status":"creating"
createContainer "status":"creating"
startContainer "status":"created"
poststart "status":"running"
poststop "status":"stopped"
END
}

hooks_run_in_the_namespaces_of_their_stage() {
  configure . sleep 1000000
  add_hooks
  netlend create c1 </dev/null
  pid=$(pid_of c1)
  inside=$(readlink "/proc/$pid/ns/mnt")
  outside=$(readlink /proc/self/ns/mnt)
  netlend start c1
  netlend delete --force c1
  while read -r stage _ namespace told; do
    case $stage in
      createContainer | startContainer) [[ $namespace == "$inside" && $told == '"pid":1' ]] ;;
      poststop) [[ $namespace == "$outside" && ! $told ]] ;;
      *) [[ $namespace == "$outside" && $told == "\"pid\":$pid" ]] ;;
    esac
  done </run/out/hooks.log
  [[ $(wc -l </run/out/hooks.log) == 6 ]]
}

a_hook_that_fails_leaves_nothing_and_poststop_runs() {
  for stage in prestart createRuntime createContainer; do
    configure . touch /out/ran
    add_hooks $stage
    output=$(fails netlend create --nic eth1=lan0 c1 2>&1 </dev/null)
    expect "run $stage hook" "$output"
    expect 'no luck' "$output"
    [[ $(tail -1 /run/out/hooks.log) == poststop* && ! -e /run/out/ran ]]
    is_home
    has_nothing_left
  done
  for stage in startContainer poststart; do
    configure . sleep 1000000
    add_hooks $stage
    netlend create c1 </dev/null
    expect "run $stage hook" "$(fails netlend start c1 2>&1)"
    wait_until is_status c1 stopped
    netlend delete c1
    has_nothing_left
    expect "run $stage hook" "$(fails netlend run c1 2>&1 </dev/null)"
    has_nothing_left
  done
}

a_poststop_hook_that_fails_is_a_warning() {
  configure . true
  add_hooks poststop
  output=$(netlend run c1 2>&1 </dev/null)
  expect 'run poststop hook' "$output"
  has_nothing_left
}

# ---- what goes wrong ----------------------------------------------------------------------------

a_command_that_is_not_there_leaves_nothing() {
  configure '.hooks.poststop = [{path: "/bin/touch", args: ["touch", "/run/out/poststop"]}]' nosuch
  expect "execute 'nosuch': executable file not found in PATH" "$(fails netlend create c1 2>&1)"
  [[ -e /run/out/poststop ]]
  has_nothing_left
  exits_with 127 run c1
  configure . /etc
  exits_with 126 run c1
  has_nothing_left
}

# refuses POINTER FILTER
refuses() {
  configure "$2" touch /out/ran
  expect "netlend: config.json: $1" "$(fails netlend create c1 2>&1 </dev/null)" || return 1
  [[ ! -e /run/out/ran ]] && has_nothing_left
}
# As a step of its own finds it, in the container or before.
fails_at() {
  configure "$2" touch /out/ran
  expect "netlend: $1" "$(fails netlend create c1 2>&1 </dev/null)" || return 1
  [[ ! -e /run/out/ran ]] && has_nothing_left
}

what_is_wrong_in_a_config_has_its_pointer() {
  refuses /ociVersion '.ociVersion = "9.9"'
  refuses /root 'del(.root)'
  refuses /process/cwd '.process.cwd = "relative"'
  refuses /process/user/uid '.process.user.uid = -1'
  refuses /process/user/uid '.process.user.uid = "0"'
  refuses /process/rlimits/0/type '.process.rlimits[0].type = "RLIMIT_X"'
  refuses /linux/namespaces/ '.linux.namespaces += [{type: "user"}]'
  refuses /linux/namespaces/ '.linux.namespaces += [{type: "pid"}]'
  refuses /hooks/prestart/0/path '.hooks.prestart = [{path: "relative"}]'
  refuses /linux/seccomp '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}'
  refuses /process/terminal '.process.terminal = true'
  fails_at /linux/namespaces: '.linux.namespaces |= map(select(.type != "mount"))
    | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
  fails_at /root/path '.root.path = "nosuch"'
  fails_at /mounts/7: '.mounts[7] = {destination: "/x", type: "nosuchfs"}'
  fails_at /mounts/7: '.mounts[7] = {destination: "/x", type: "tmpfs", options: ["mode=nonsense"]}'
  fails_at /mounts/7: '.mounts[7] = {destination: "/x", type: "bind", source: "/nosuch", options: ["bind"]}'
  fails_at /mounts/7: '.mounts[7] = {destination: "/x", type: "tmpfs", options: ["tmpcopyup"]}'
  fails_at /linux/namespaces/1/path '.linux.namespaces[1].path = "/run/nosuch"'
  echo '{' >config.json
  expect 'config.json: ' "$(fails netlend create c1 2>&1)"
  rm config.json
  expect config.json "$(fails netlend create c1 2>&1)"
  is_home
}

# ---- namespaces, mounts and devices -------------------------------------------------------------

namespaces_are_joined_by_their_paths() {
  unshare --net --ipc --uts --pid --fork --kill-child tail -f /dev/null &
  wait_until pgrep -P $! tail
  local other joined
  other=$(pgrep -P $! tail)
  configure ".hostname = \"\" | .linux.namespaces |= map(if .type == \"mount\" then . else
      .path = \"/proc/$other/ns/\" + ({network: \"net\"}[.type] // .type) end)" \
    sh -c 'for n in net ipc uts pid; do readlink /proc/self/ns/$n; done'
  joined=$(for name in net ipc uts pid; do readlink "/proc/$other/ns/$name"; done)
  diff <(netlend run c1 </dev/null) <(echo "$joined")
  fails_at /linux/namespaces/1/path ".linux.namespaces[1].path = \"/proc/$other/ns/uts\""
  mkfifo /run/out/fifo
  fails_at /linux/namespaces/1/path '.linux.namespaces[1].path = "/run/out/fifo"'
  kill "$other"
}

mounts_are_made_inside_the_root_whatever_links_say() {
  mkdir -p /run/test/source /run/outside
  echo text >/run/test/source/file
  ln -s /run/outside rootfs/escape
  ln -s ../../../../run/outside/deep rootfs/etc/relative
  # The folder that links lead to is the container's own.
  mkdir -p rootfs/run/outside
  configure '.root.readonly = false | .mounts += [
      {destination: "/new/deep/folder", type: "bind", source: "../source", options: ["rbind", "ro"]},
      {destination: "/new/file", type: "bind", source: "../source/file", options: ["bind"]},
      {destination: "/escape/in", type: "tmpfs"},
      {destination: "relative/path", type: "tmpfs", options: ["mode=711"]}]' \
    sh -c 'cat /new/deep/folder/file /new/file; touch /new/deep/folder/x 2>&1;
           stat -c %a /relative/path; grep -c " /run/outside/in " /proc/self/mountinfo'
  output=$(netlend run c1 </dev/null)
  [[ $output == $'text\ntext\ntouch: /new/deep/folder/x: Read-only file system\n711\n1' ]]
  [[ -z $(ls -A /run/outside) ]]
  # As the link resolv.conf of many an image, which leads into a /run that is still empty.
  ln -s ../run/systemd/stub.conf rootfs/etc/resolv.conf
  configure '.mounts += [
      {destination: "/etc/relative/x", type: "tmpfs"},
      {destination: "/etc/resolv.conf", type: "bind", source: "../source/file", options: ["bind"]}]' \
    sh -c 'cat /etc/resolv.conf /run/systemd/stub.conf; stat -c %a /run/outside/deep/x'
  [[ $(netlend run c1 </dev/null) == $'text\ntext\n1777' ]]
  [[ -z $(ls -A /run/outside) ]]
}

nothing_is_mounted_inside_proc() {
  fails_at /mounts/8: '.mounts += [{destination: "/proc/sys/kernel", type: "tmpfs"}]'
  rmdir rootfs/proc
  ln -s tmp rootfs/proc
  fails_at /mounts/0: .
}

options_of_mounts_do_what_they_say() {
  mkdir -p /run/test/tree/sub
  mount -t tmpfs tmpfs /run/test/tree/sub
  configure '.mounts += [
      {destination: "/a", type: "tmpfs", options: ["nosuid", "nodev", "noexec", "noatime", "nodiratime", "size=64k"]},
      {destination: "/b", type: "bind", source: "../tree", options: ["rbind", "ro"]},
      {destination: "/c", type: "bind", source: "../tree", options: ["rbind", "rro", "rnosuid"]},
      {destination: "/d", type: "bind", source: "../tree", options: ["bind", "nosymfollow"]},
      {destination: "/e", type: "tmpfs", options: ["rshared"]},
      {destination: "/f", type: "tmpfs", options: ["ro"]},
      {destination: "/f/below", type: "tmpfs"},
      {destination: "/a", options: ["remount", "ro"]}]
      | (.mounts[] | select(.destination == "/dev") | .options) += ["ro"]
      | .linux.devices = [{path: "/dev/ptmx", type: "c", major: 5, minor: 2}]' cat /proc/self/mountinfo
  netlend run c1 </dev/null >/run/out/mounts
  at() { awk -v at="$1" '$5 == at {print $6}' /run/out/mounts; }
  [[ $(at /a) == ro,nosuid,nodev,noexec,noatime,nodiratime ]]
  [[ $(at /b) == ro,* && $(at /b/sub) == rw,* ]]
  [[ $(at /c) == ro,nosuid,* && $(at /c/sub) == ro,nosuid,* ]]
  [[ $(at /d) == *nosymfollow* && ! $(at /d/sub) ]]
  grep -q ' /e .* shared:' /run/out/mounts
  [[ $(at /dev) == ro,* && $(at /dev/pts) == rw,* && $(at /f) == ro,* && $(at /f/below) == rw,* ]]
}

hidden_paths_are_hidden_and_protected_ones_protected() {
  mkdir -p rootfs/secret
  echo text >rootfs/secret/file
  echo text >rootfs/note
  configure '.root.readonly = false
    | .linux.maskedPaths += ["/secret", "/note", "/nosuch"]
    | .linux.readonlyPaths += ["/tmp", "/nosuch"]' \
    sh -c 'ls /secret; cat /note; touch /tmp/x; touch /secret/x; touch /etc/y; ls /etc/y
           echo 1 >/proc/sys/kernel/hostname'
  output=$(netlend run c1 </dev/null 2>&1 || true)
  [[ $output == *'touch: /tmp/x: Read-only'* && $output == *'touch: /secret/x: Read-only'* ]]
  [[ $output == *'/etc/y'* && $output != *text* && $output == *'hostname: Read-only'* ]]
}

without_pivot_root_the_proc_of_the_host_is_out_of_reach() {
  configure '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}' \
    unshare -Urmpf sh -c 'mount -t proc proc /proc && echo mounted'
  output=$(fails netlend run --no-pivot c1 2>&1 </dev/null)
  expect 'mount: permission denied' "$output"
  [[ $output != *mounted* ]]
  ls /proc/1/fd /sys/kernel /dev/null >/dev/null
  has_nothing_left
}

# ---- terminals and descriptors ------------------------------------------------------------------

# Takes the terminal at a socket, prints the name it came with, and what is written to it.
take_terminal='
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
text, fds, _, _ = socket.recv_fds(server.accept()[0], 100, 1)
print(text.decode(), flush=True)
try:
    while data := os.read(fds[0], 1000): print(data.decode(), end="", flush=True)
except OSError: pass
'

the_terminal_goes_to_the_console_socket() {
  configure '.process.terminal = true | .process.consoleSize = {height: 33, width: 101}' \
    sh -c 'tty; stty size; ls -l /dev/console | cut -c1; test -t 0 && test -t 1 && test -t 2 && echo all'
  python3 -c "$take_terminal" /run/out/socket >/run/out/seen &
  wait_until test -S /run/out/socket
  netlend create --console-socket /run/out/socket c1 </dev/null
  netlend start c1
  wait $!
  netlend delete --force c1
  diff <(tr -d '\r' </run/out/seen) - <<'END'
/dev/pts/ptmx
/dev/pts/0
33 101
c
all
END
}

an_attached_terminal_is_shown() {
  configure '.process.terminal = true' sh -c 'test -t 0 && echo on a terminal; read line; echo "got $line"'
  output=$(echo typed | netlend run c1)
  expect 'on a terminal' "$output"
  expect 'got typed' "$output"
  [[ $output != *$'\r'* ]]
  # Its place, /dev/console, has to be there before that.
  configure '.process.terminal = true | (.mounts[] | select(.destination == "/dev") | .options) += ["ro"]' \
    sh -c 'test -c /dev/console && echo on a terminal'
  expect 'on a terminal' "$(netlend run c1 </dev/null)"
  has_nothing_left
}

an_attached_terminal_writes_to_standard_output_wherever_that_goes() {
  configure '.process.terminal = true' sh -c 'test -t 1 && echo on a terminal; stty size'
  printf 'stty rows 30 cols 70; exec %q run c1 >/run/out/shown' "$programs/netlend" >/run/out/on-terminal
  output=$(script --quiet --return --command 'sh /run/out/on-terminal' /dev/null </dev/null)
  [[ -z $output ]]
  expect 'on a terminal' "$(cat /run/out/shown)"
  expect '30 70' "$(cat /run/out/shown)"
  has_nothing_left
}

only_the_standard_and_the_preserved_descriptors_are_open() {
  exec 3</dev/null 4</dev/null 5</dev/null
  configure . sh -c 'cd /proc/1/fd; echo *'
  # The last one is the shell's own, for the folder that it lists.
  [[ $(netlend run c1 </dev/null) == '0 1 2 3' ]]
  [[ $(netlend run --preserve-fds 2 c1 </dev/null) == '0 1 2 3 4 5' ]]
  # As a service manager passes them on, and an engine in its place.
  configure . sh -c 'cd /proc/1/fd; echo *; echo $LISTEN_PID $LISTEN_FDS'
  listening='LISTEN_FDS=2 LISTEN_PID=$$ exec "$0" "$@"'
  [[ $(sh -c "$listening" "$programs/netlend" run --preserve-fds 1 c1 </dev/null) == $'0 1 2 3 4 5 6\n1 2' ]]
  [[ $(LISTEN_FDS=2 LISTEN_PID=1 netlend run c1 </dev/null) == '0 1 2 3' ]]
  exec 4<&-
  expect 'LISTEN_FDS=2: descriptor 4 is not open' \
    "$(fails sh -c "$listening" "$programs/netlend" run c1 2>&1)"
  expect 'descriptor 4 is not open' "$(fails netlend run --preserve-fds 2 c1 2>&1)"
  configure . sleep 1000000
  netlend create c1 </dev/null
  # And while it waits, the socket it is to be started by.
  [[ $(find "/proc/$(pid_of c1)/fd" -type l | wc -l) == 4 ]]
  netlend delete c1
}

the_program_can_not_be_overwritten_from_inside() {
  configure . sleep 1000000
  # One that nobody else runs meanwhile: what is run is 'Text file busy' before it is anything else.
  local own=/run/test/own-netlend
  cp "$programs/netlend" "$own"
  "$own" create c1 </dev/null
  exec 3<"/proc/$(pid_of c1)/exe"
  netlend delete c1
  before=$(sha256sum "$own")
  expect 'Read-only file system' "$(fails bash -c ': >>/proc/self/fd/3' 2>&1)"
  [[ $(sha256sum "$own") == "$before" ]]
}

systemd_is_refused_as_the_maker_of_cgroups() {
  configure . true
  expect "'cgroupfs'" "$(fails netlend --systemd-cgroup create c1 2>&1)"
}

containers_of_another_root_are_others() {
  configure . sleep 1000000
  netlend create c1 </dev/null
  netlend --root /run/other/deep create c1 --bundle /run/test/b </dev/null 2>/run/out/seen && return 1
  # Both would be in the cgroup /netlend/c1.
  expect 'processes run in it already' "$(cat /run/out/seen)"
  jq '.linux.cgroupsPath = "/other/c1"' config.json >new.json
  mv new.json config.json
  netlend --root /run/other/deep create c1 </dev/null
  netlend delete c1
  [[ $(netlend --root /run/other/deep list -q) == c1 ]]
  netlend --root /run/other/deep delete c1
  has_nothing_left
}

# ---- lending ------------------------------------------------------------------------------------

write_rules() {
  local IFS=,
  mkdir -p /etc/netlend
  echo "{\"netlend\": 1, \"allow\": [$*]}" >/etc/netlend/netlend.conf
}
lan0='eth1=lan0 addr=10.77.0.2/24'
by_annotation='.annotations["io.netlend.nic.eth1"] = "lan0 addr=10.77.0.2/24"'
talk='echo hello neighbour | nc 10.77.0.1 7'

a_device_is_lent_from_create_to_delete() {
  configure . sh -c "$talk; sleep 1000000"
  netlend create --nic "$lan0" c1 </dev/null >/run/out/seen
  fails ip link show lan0
  expect c1 "$(netlend loans)"
  netlend start c1
  wait_until grep -q 'hello neighbour' /run/out/seen
  netlend kill c1 KILL
  wait_until is_status c1 stopped
  netlend delete c1
  is_home
  has_nothing_left
}

how_a_device_comes_home_is_said_as_it_is() {
  configure "$by_annotation" sleep 1000000
  write_rules '{"device": "lan0"}'
  # With a guardian, without one, and with neither: nobody but `delete` does it then.
  netlend create c1 </dev/null
  expect 'when the borrower ends' "$(netlend loans)"
  kill_guardian
  expect "by 'netlend delete'" "$(netlend loans)"
  [[ $(netlend loans --format json | jq -r '.loans[].home_by') == delete ]]
  netlend kill c1 KILL
  wait_until is_status c1 stopped
  expect "by 'netlend reap'" "$(netlend loans)"
  netlend delete c1
  is_home
  configure . sh -c 'touch /out/ready; sleep 1000000'
  "$programs/netlend" --root /run/other run --nic "$lan0" c1 </dev/null &
  wait_until test -e /run/out/ready
  expect 'when the command ends' "$(netlend loans)"
  kill -9 $!
  wait $! || true
  expect 'when the borrower ends' "$(netlend loans)"
  kill_guardian
  expect "by 'netlend delete'" "$(netlend loans)"
  netlend --root /run/other delete --force c1
  is_home
  ip link add lan1 type veth peer name far1
  configure '.linux.netDevices = {lan1: {name: "eth1"}}' sleep 1000000
  netlend --root /run/other create c1 </dev/null
  kill_guardian
  expect "by 'netlend delete'" "$(netlend loans)"
  code=0
  output=$(netlend return lan1 2>&1) || code=$?
  [[ $code == 1 ]]
  expect "came by linux.netDevices and stays with 'c1'" "$output"
  expect "device 'lan1' (lent to 'c1' as 'eth1')" \
    "$(netlend --root /run/other delete --force c1 2>&1 || true)"
  wait_until fails ip link show far1 # goes with lan1, when the kernel comes to it
  rm -r /etc/netlend
  is_home
}

a_device_is_lent_to_a_container_that_is_run() {
  configure . sh -c "$talk"
  [[ $(netlend run --nic "$lan0" c1 </dev/null) == 'hello neighbour' ]]
  is_home
  has_nothing_left
}

a_container_with_lent_addresses_has_no_rights_over_the_network() {
  ip addr add 192.0.2.11/24 dev lan0
  take_picture >/run/test/before
  # One of the program's own stages, too, which starts processes behind the filter.
  echo -e '#!/bin/sh\necho started >/out/hook' >rootfs/bin/hook
  chmod 755 rootfs/bin/hook
  configure '
    .process.capabilities[] += ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"]
    | .process.noNewPrivileges = false
    | .hooks.startContainer = [{path: "/bin/hook"}]' sh -c '
    ip addr show eth0 | grep -o "192.0.2.10/32"
    grep -E "^(Cap|Seccomp:)" /proc/self/status
    ip link set eth0 down && echo rights over eth0
    unshare -n true && echo a namespace of its own
    unshare -U -r -n true && echo a namespace of its own by a user namespace
    unshare -m true && echo a namespace of mounts
    (echo still; echo forks) | cat'
  netlend run --l3 192.0.2.10 c1 </dev/null >/run/test/out 2>/run/test/err
  output=$(cat /run/test/out)
  expect 192.0.2.10/32 "$output"
  expect forks "$output"
  fails grep -E 'rights|namespace' /run/test/out
  [[ $(cat /run/out/hook) == started ]]
  # NET_ADMIN 12, NET_RAW 13, SYS_ADMIN 21
  local bits
  while read -r _ bits; do ((((16#$bits >> 12) & 3) == 0 && ((16#$bits >> 21) & 1) == 0)); done \
    < <(grep ^Cap /run/test/out)
  grep -E '^Seccomp:\s+2' /run/test/out
  is_home
  has_nothing_left
}

a_device_is_lent_by_hand_to_a_container_by_its_id() {
  configure . sh -c "ip link show eth1 >/dev/null && touch /out/ran; sleep 1000000"
  netlend create c1 </dev/null
  netlend lend lan0 --to c1 name=eth1
  netlend start c1
  wait_until test -e /run/out/ran
  netlend delete --force c1
  is_home
  configure . true
  netlend create afa3d4bde782 </dev/null
  netlend create afb </dev/null
  expect "it is how 'afa3d4bde782', 'afb' begin" "$(fails netlend lend lan0 --to af 2>&1)"
  netlend lend lan0 --to afa3 name=eth1
  expect afa3d4bde782 "$(netlend loans)"
  netlend return afa
  is_unchanged
  netlend delete afa3d4bde782
  netlend delete afb
  is_home
}

annotations_are_obeyed_where_a_rule_allows() {
  configure "$by_annotation" sh -c "$talk"
  expect 'netlend allow' "$(fails netlend run c1 2>&1 </dev/null)"
  is_home
  has_nothing_left
  write_rules '{"device": "lan0"}'
  [[ $(netlend run c1 </dev/null) == 'hello neighbour' ]]
  is_home
  write_rules '{"device": "lan0", "cgroup": "/netlend/c1", "bundle": "*"}'
  [[ $(netlend run c1 </dev/null) == 'hello neighbour' ]]
  expect "from cgroup '/netlend/c2' and bundle '" "$(fails netlend run c2 2>&1 </dev/null)"
  is_home
  rm -r /etc/netlend
}

a_refused_annotation_destroys_no_network_device() {
  ip link add lan1 type veth peer name far1
  configure "$by_annotation | .linux.netDevices = {lan1: {name: \"eth5\"}}" true
  expect 'netlend allow' "$(fails netlend run c1 2>&1 </dev/null)"
  ip link show lan1
  ip link del lan1
  is_home
  has_nothing_left
}

a_network_device_that_can_not_be_had_is_named_and_nothing_is_changed() {
  local config wanted
  ip link add lan1 type veth peer name far1
  take_picture >/run/test/before
  ip netns add pod
  ip -n pod link add eth5 type veth peer name eth6
  while IFS='|' read -r config wanted; do
    configure ".linux.netDevices = {lan0: {name: \"eth7\"}, $config}
      | (.linux.namespaces[] | select(.type == \"network\")).path = \"/run/netns/pod\"" touch /out/ran
    expect "$wanted" "$(fails netlend run c1 2>&1 </dev/null)"
    [[ ! -e /run/out/ran ]]
    is_home
    has_nothing_left
  done <<'END'
nosuch0: {}|no device 'nosuch0'
lo: {name: "eth8"}|device 'lo' is the loopback device
lan1: {name: "eth5"}|the name 'eth5' is taken in 'c1'
END
  ip netns del pod
}

a_plan_of_a_bundle_says_all_that_it_asks_for() {
  ip link add lan1 type veth peer name far1
  ip link add lan2 type veth peer name far2
  configure "$by_annotation | .linux.netDevices = {lan1: {name: \"eth5\"}}" true
  write_rules '{"device": "lan1"}'
  output=$(exits_with 1 plan run --nic eth2=lan2 c1)
  expect "device 'lan1' leaves here and is 'eth5' inside" "$output"
  expect "it stays inside until the container's network namespace ends" "$output"
  expect "device 'lan2' leaves here and is 'eth2' inside" "$output"
  expect "type: netlend allow 'lan0' --to 'c1'" "$(tr -s ' \n' '  ' <<<"$output")"
  write_rules '{"device": "lan0", "cgroup": "/netlend/c1"}'
  output=$(netlend plan run --bundle "$PWD" c1)
  expect "device 'lan0' leaves here and is 'eth1' inside" "$output"
  exits_with 1 plan run c2 >/dev/null
  expect "device 'lan0' is wanted twice" "$(exits_with 1 plan run --nic eth2=lan0 c1 2>&1)"
  configure . true
  [[ $(netlend plan run c1) == 'nothing is lent' ]]
  rm -r /etc/netlend
  ip link del lan1
  ip link del lan2
  is_home
  has_nothing_left
}

what_is_asked_for_twice_is_refused_before_anything_is_lent() {
  write_rules '{"device": "*"}, {"veth": true}'
  local nic wanted
  while IFS='|' read -r nic wanted; do
    configure "$by_annotation" touch /out/ran
    expect "the command line, /linux/netDevices and annotations: $wanted" \
      "$(exits_with 125 run --debug --nic "$nic" c1 2>&1)"
    [[ ! -e /run/out/ran ]]
    has_no_trace
  done <<'END'
eth0=lan0|device 'lan0' is wanted twice
eth0=alt:the-port-on-the-left|device 'lan0' is wanted twice
eth1=veth:|two devices are to be 'eth1' inside
END
  rm -r /etc/netlend
  is_home
  has_nothing_left
}

the_hook_beside_it_does_no_harm() {
  write_rules '{"device": "lan0"}'
  ip link add spare0 type veth peer name spare1
  hook=$programs/netlend-hook
  export hook
  configure "$by_annotation"' | .hooks = {
      createRuntime: [{path: $ENV.hook, args: ["netlend-hook", "createRuntime"]}],
      poststop: [{path: $ENV.hook, args: ["netlend-hook", "poststop"]}]}' \
    sh -c "$talk; ip link show spare >/dev/null && echo both"
  [[ $(netlend run --nic spare=spare0 c1 </dev/null) == $'hello neighbour\nboth' ]]
  ip link del spare0
  netlend create c1 </dev/null
  netlend delete c1
  rm -r /etc/netlend
  is_home
  has_nothing_left
}

a_create_that_fails_gives_back_what_it_lent() {
  configure . nosuch
  fails netlend create --nic "$lan0" c1 </dev/null
  is_home
  fails_at /mounts/8: '.mounts += [{destination: "/x", type: "nosuchfs"}]'
  fails netlend create --nic "$lan0" c1 </dev/null
  configure . true
  fails netlend create --nic "$lan0" --nic eth2=nosuch0 c1 </dev/null
  is_home
  has_nothing_left
}

a_create_that_fails_brings_network_devices_home() {
  local verb devices='.linux.netDevices = {lan1: {name: "eth5"}}'
  ip link add lan1 type veth peer name far1
  ip addr add 10.9.0.1/24 dev lan1
  ip link set lan1 up
  netlend show >/run/test/with_lan1
  is_as_before() {
    netlend show | diff /run/test/with_lan1 - && has_no_loans && has_nothing_left
  }
  for verb in create run 'run --detach'; do
    configure "$devices" nosuch
    # shellcheck disable=SC2086 # words
    fails netlend $verb c1 </dev/null
    is_as_before
    configure "$devices | .hooks.createRuntime = [{path: \"/bin/false\"}]" true
    # shellcheck disable=SC2086 # words
    fails netlend $verb c1 </dev/null
    is_as_before
  done
  configure "$devices | .hooks.poststart = [{path: \"/bin/false\"}]" sleep 1000000
  fails netlend run c1 </dev/null
  is_as_before
  # By the guardian, if create is killed.
  configure "$devices | .hooks.createRuntime = [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"kill -9 \$PPID\"]}]" true
  fails "$programs/netlend" create c1 </dev/null
  wait_until has_no_loans
  netlend delete --force c1
  is_as_before
  ip link del lan1
  is_home
}

# At the Nth of each call that changes something, until there is no Nth any more.
a_netlend_killed_anywhere_in_create_leaves_what_delete_cleans_up() {
  configure '.hooks.createRuntime = [{path: "/bin/true"}]' sleep 1000000
  local call nth code kills=0
  for call in mkdirat renameat clone3 sendto recvmsg fork,clone,vfork; do
    for ((nth = 1; nth < 12; nth++)); do
      code=0
      strace --quiet=all -o /dev/null -e "inject=$call:signal=KILL:when=$nth" \
        "$programs/netlend" create --nic "$lan0" c1 </dev/null &>/dev/null || code=$?
      netlend delete --force c1
      netlend reap
      wait_until is_home
      wait_until has_nothing_left
      [[ $code == 137 ]] || break
      kills=$((kills + 1))
    done
  done
  echo "killed $kills times"
  ((kills > 15))
}

run_and_kill_netlend() {
  configure . sh -c 'touch /out/ready; sleep 1000000'
  "$programs/netlend" run --nic "$lan0" c1 </dev/null &
  wait_until test -e /run/out/ready
  kill -9 $!
  wait $! || true
  is_status c1 running
}

a_netlend_killed_while_its_container_runs_has_left_a_guardian_with_it() {
  run_and_kill_netlend
  netlend kill c1 KILL
  wait_until has_no_loans
  is_unchanged
  netlend delete c1
  is_home
  has_nothing_left
}

a_netlend_killed_while_its_container_runs_leaves_what_delete_cleans_up() {
  run_and_kill_netlend
  netlend delete --force c1
  is_home
  has_nothing_left
}

# Those of the command line, or all.
(($# == 0)) || cases=("$@")
run_cases "$0" "${cases[@]}"
