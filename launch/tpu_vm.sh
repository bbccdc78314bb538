#!/usr/bin/env bash
# Trains on a Cloud TPU VM; see `launch/tpu_vm.sh --help`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=launch/common.sh
. "$root/launch/common.sh"
# shellcheck source=launch/gcloud.sh
. "$root/launch/gcloud.sh"

usage() {
  cat <<'TEXT'
launch/tpu_vm.sh run    --name=N --zone=Z --accelerator_type=T --version=V [--spot] [--queued] -- [gan_jax.main's flags]
launch/tpu_vm.sh watch  the same flags: goes on watching a run that is under way, as `run` does after its start
launch/tpu_vm.sh follow | status | stop   --name=N --zone=Z [--queued] -- --workdir=W
launch/tpu_vm.sh delete --name=N --zone=Z [--queued]

run makes the TPU VM unless it exists, copies the code at a commit to all its workers, installs it there with Python
3.12 and jax[tpu], starts `python -m gan_jax.main --multihost [flags]` on all of them, and watches: a TPU that was
preempted is deleted and made again, and the same command goes on from the last checkpoint in --workdir, which must
therefore be on a file system that all workers mount (gs:// paths are not supported yet). Training outlives this script;
the TPU VM outlives training until `delete`.

  --name, --zone, --project     as for gcloud compute tpus; the project is gcloud's own if not given
  --accelerator_type            such as v5litepod-16
  --version                     software of the VM, such as v2-alpha-tpuv5-lite
  --spot                        cheaper, and preempted at any time
  --queued                      wait in the queue for capacity, as a queued resource of the same name
  --commit=C                    the code to run; HEAD if not given, which must then be all there is
  --dry-run                     print every command, run none
TEXT
}

flags=() subcommand=${1-} commit='' run='' started=false starts=0

parse() { # sets the variables above from the arguments after the subcommand
  local option
  while [ $# -gt 0 ]; do
    case $1 in
      --) flags=("${@:2}"); return ;;
      --name=* | --zone=* | --project=* | --accelerator_type=* | --version=* | --commit=*)
        option=${1%%=*}
        printf -v "${option#--}" %s "${1#*=}" ;;
      --spot) spot=true ;;
      --queued) queued=true ;;
      --dry-run | --dry_run) dry_run=true ;;
      --help) usage; exit 0 ;;
      *) fail "unknown argument '$1'; launch/tpu_vm.sh --help lists them, flags of gan_jax.main follow after --" ;;
    esac
    shift
  done
}

need() { # fails unless all these options have values
  local option
  for option in "$@"; do [ -n "${!option}" ] || fail "--$option is missing; see launch/tpu_vm.sh --help"; done
}

choose_commit() { # sets commit to the hash of the commit to run
  local given=${commit:-HEAD}
  if [ -z "$commit" ] && [ -n "$(git -C "$root" status --porcelain)" ]; then
    fail "uncommitted changes would not be copied; commit them, or say --commit=HEAD to run without them"
  fi
  commit=$(git -C "$root" rev-parse --short=12 --verify --quiet "$given^{commit}") ||
    fail "--commit=$given: no such commit"
  git -C "$root" cat-file -e "$commit:launch/worker.sh" 2>/dev/null || fail "--commit=$given has no launch/worker.sh"
}

choose_run() { # sets run to a name for files, derived from the workdir
  local workdir
  workdir=$(workdir_of ${flags[@]+"${flags[@]}"})
  [ -n "$workdir" ] || fail "--workdir is missing among the flags after --"
  case $workdir in
    *://*) fail "--workdir=$workdir: expected a folder that all workers mount; gs:// paths are not supported yet" ;;
    /*) ;;
    *) say "warning: --workdir=$workdir is on the TPU VM and goes with it; a folder that all workers mount stays" ;;
  esac
  run=${workdir//[^A-Za-z0-9._-]/_}
}

pause() { $dry_run || sleep "${POLL_SECONDS:-30}"; }

obtain() { # returns when the TPU VM is ready
  local created=0
  while :; do
    look
    if $dry_run; then if [ $created = 0 ]; then state=absent; else state=READY; fi; fi
    case $state in
      READY) return ;;
      absent)
        [ $created -lt 5 ] || fail "$name was made $created times and was not ready once"
        create
        created=$((created + 1)) started=false ;;
      PREEMPTED | TERMINATED | SUSPENDED | FAILED) say "$name is $state: deleting it"; delete ;;
      STOPPED | STOPPING | HIDING | HIDDEN) fail "$name is $state; start it with gcloud, or delete it" ;;
      *) say "$name is $state: waiting"; pause ;;
    esac
  done
}

# The code at the commit, on all workers, in a folder of its own; later commands use the link gan_jax.
install() {
  local code=gan_jax-$commit
  attempt git -C "$root" archive --format=tar.gz --output="$scratch/$code.tar.gz" "$commit" || give_up
  note "installing commit $commit on all workers"
  tpus tpu-vm scp "$scratch/$code.tar.gz" "$name:$code.tar.gz" --worker=all &&
    on_workers all "mkdir -p $code && tar -xzf $code.tar.gz -C $code && ln -sfn $code gan_jax" &&
    worker all "$code" install tpu
}

start() { # training on all workers; first stops processes of an earlier start
  if [ $starts -gt 0 ]; then worker all gan_jax stop "$run" || return; fi
  starts=$((starts + 1))
  worker all "gan_jax-$commit" start "$run" "$session-$starts" "${flags[@]}"
}

gone() { # is the TPU VM no longer ready? Keeps the last complaint, which has another cause if it is ready.
  local before=$complaint
  look
  complaint=$before
  [ "$state" != READY ]
}

watch() { # restarts training until it has finished, failed, or been stopped on request
  local lost=0
  while :; do
    obtain
    if ! $started; then
      if ! { install && start; }; then gone || give_up; continue; fi
      note "training runs on all workers, with this script or without; launch/tpu_vm.sh follow shows it"
      started=true
    fi
    pause
    if ! worker 0 gan_jax outcome "$run"; then gone || give_up; continue; fi
    if $dry_run; then return; fi
    case $(cat "$scratch/out") in
      running) ;;
      finished) say "finished; $name still runs and costs until launch/tpu_vm.sh delete"; return ;;
      ended) say "stopped as asked; the same command goes on from there"; return ;;
      failed) worker 0 gan_jax log "$run"; complaint=$(grep '^error: ' "$scratch/out" | tail -n 1); give_up ;;
      *)
        lost=$((lost + 1))
        [ $lost -le 10 ] || fail "training ended early $lost times; launch/tpu_vm.sh follow shows its last lines"
        say "training ended early: starting it again"
        started=false ;;
    esac
  done
}

case $subcommand in
  run | watch | follow | status | stop | delete) ;;
  --help | help) usage; exit 0 ;;
  *) fail "unknown subcommand '$subcommand'; expected run, watch, follow, status, stop or delete" ;;
esac
parse "${@:2}"
need name zone
[ "$subcommand" = delete ] || choose_run
case $subcommand in run | watch) need accelerator_type version; choose_commit ;; esac
$dry_run || command -v gcloud >/dev/null || fail "gcloud is not found; see https://cloud.google.com/sdk/docs/install"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
session=${scratch##*.}
case $subcommand in
  run) watch ;;
  watch) started=true; watch ;;
  delete) delete ;;
  stop) worker all gan_jax stop "$run" || give_up ;;
  status)
    look
    echo "TPU VM    $state"
    [ "$state" = READY ] || exit 0
    worker 0 gan_jax outcome "$run" || give_up
    echo "training  $(cat "$scratch/out")" ;;
  follow)
    follow=(gcloud compute tpus tpu-vm ssh "$name" --worker=0 --command="bash gan_jax/launch/worker.sh follow $run"
      --zone="$zone" ${project:+--project="$project"} --quiet)
    if $dry_run; then attempt "${follow[@]}"; else "${follow[@]}"; fi ;;
esac
if $dry_run && [ "$subcommand" = run ]; then
  echo "# whenever it was preempted, and then all of the above again:"
  delete
fi
