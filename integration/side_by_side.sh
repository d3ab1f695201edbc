# shellcheck shell=bash
# What takes long is run side by side, on as many CPUs as there are.

# side_by_side: each line of the input is a command; those that take longest come first. Functions that
# they call are exported.
side_by_side() { xargs --delimiter '\n' --max-procs "$(nproc)" --max-args 1 bash -c; }

# report_cases FILE COMMAND [ARGUMENT...]: what the command says is in the file, its exit code last, and
# is printed as soon as it has ended.
report_cases() {
  local file=$1 code=0
  shift
  "$@" </dev/null >"$file" 2>&1 || code=$?
  echo "exit $code" >>"$file"
  printf -- '--- %s\n%s\n' "$*" "$(<"$file")"
}
export -f report_cases
