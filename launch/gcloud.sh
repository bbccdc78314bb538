# shellcheck shell=bash
# Sourced by tpu_vm.sh: calls of gcloud for one TPU VM, and the errors after which a call is tried again.

# Options, set by tpu_vm.sh; a folder for output; and results: the TPU's state, the last command's error.
name='' zone='' project='' accelerator_type='' version='' spot=false queued=false dry_run=false
scratch='' state='' complaint=''

# attempt COMMAND...: runs it; after a temporary error again, five times in all. Its output is in $scratch/out; on
# failure `complaint` is the worker's error line or gcloud's. With --dry-run the command is printed.
attempt() {
  local try wait=${BACKOFF_SECONDS:-10} passing final
  passing='no more capacity|rate.?limit|per minute|unavailable|deadline.exceeded'
  final='quota|permission|unauthenticated|credential|billing|invalid|not.found|already.exists|ssh agent'
  final+='|terminal state|unrecognized|must be specified|no such file'
  if $dry_run; then
    printf '%q ' "$@"
    echo
    : >"$scratch/out"
    return
  fi
  for try in 1 2 3 4 5; do
    if "$@" >"$scratch/out" 2>"$scratch/err" </dev/null; then return; fi
    complaint=$(grep -m1 '^error: ' "$scratch/err" || sed -n '/ERROR: /,$p' "$scratch/err" | paste -s -d ' ' -)
    complaint=$(tr -s ' ' <<<"${complaint:-$(tail -n 1 "$scratch/err")}")
    case $complaint in error:*) return 1 ;; esac # A worker's message; gcloud's begins with ERROR.
    if ! grep -Eiq "$passing" <<<"$complaint" && grep -Eiq "$final" <<<"$complaint"; then return 1; fi
    [ "$try" = 5 ] || { say "again in $wait s: $complaint"; sleep "$wait"; wait=$((wait * 2)); }
  done
  return 1
}

note() { $dry_run || say "$@"; }

give_up() {
  echo "error: ${complaint#error: }" >&2
  exit 1
}

tpus() { # tpus GROUP VERB [arguments]: gcloud with this TPU's zone and project
  attempt gcloud compute tpus "$@" --zone="$zone" ${project:+--project="$project"} --quiet
}

on_workers() { # on_workers WHICH COMMAND: through ssh
  tpus tpu-vm ssh "$name" --worker="$1" --command="$2"
}

worker() { # worker WHICH CODE ARGUMENTS...: worker.sh of that folder, each argument quoted for the remote shell
  local quoted
  printf -v quoted ' %q' "${@:3}"
  on_workers "$1" "bash $2/launch/worker.sh$quoted"
}

describe() { # describe GROUP FIELD: sets state, `absent` if there is nothing of this name
  if tpus "$1" describe "$name" --format="value($2)"; then
    state=$(cat "$scratch/out")
  elif grep -Eiq 'not.found' <<<"$complaint"; then
    state=absent
  else
    give_up
  fi
}

look() { # sets state to that of the TPU VM, or of the request until it is granted
  if $queued; then
    describe queued-resources state.state
    [ "$state" = ACTIVE ] || $dry_run || return 0
    describe tpu-vm state
    [ "$state" != absent ] || state=SUSPENDED # A granted request whose TPU VM is gone does not get another one.
  else
    describe tpu-vm state
  fi
}

create() {
  local group=tpu-vm more=(--version="$version")
  if $queued; then group=queued-resources more=(--node-id="$name" --runtime-version="$version"); fi
  if $spot; then more+=(--spot); fi
  note "making $name"
  tpus $group create "$name" --accelerator-type="$accelerator_type" "${more[@]}" || give_up
}

delete() { # the TPU VM and its request; --force also deletes the nodes of a request
  if $queued; then tpus queued-resources delete "$name" --force; else tpus tpu-vm delete "$name"; fi || give_up
}
