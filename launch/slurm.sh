#!/usr/bin/env bash
# Trains on a SLURM cluster; see `launch/slurm.sh --help`. Submits itself: `slurm.sh batch` is the job.
set -euo pipefail
# SLURM runs a copy of this file from another folder, so the job gets the project's folder as an argument.
if [ "${1-}" = batch ]; then root=$2; else root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd); fi
# shellcheck source=launch/common.sh
. "$root/launch/common.sh"
# shellcheck source=launch/environment.sh
. "$root/launch/environment.sh"
logs=$root/runs/slurm

usage() {
  cat <<'TEXT'
launch/slurm.sh [--nodes=N] [--gpus_per_node=G] [--dry-run] [options of sbatch] -- [flags of gan_jax.main]

Installs gan_jax here, where the internet is, and submits a job of `python -m gan_jax.main --multihost [flags]`: one
task a GPU, or one a node where --gpus_per_node=0. This folder and --workdir must be on a file system that all nodes
share; the job runs the code as it is here when it starts.

SIGTERM, 120 s before the time limit or at preemption, makes all tasks save and stop; the job then queues again and
goes on from there, until training has finished. So does one that lost a task or a node, five times. Jobs of one
--workdir run one after another. Logs are in runs/slurm, one a task and start; scancel ends a job for good.

  --nodes, --gpus_per_node      1 and 1 if not given
  --dry-run                     print the command, run nothing
  EXTRAS=... launch/slurm.sh    what to install instead of cuda
TEXT
}

submit() { # installs the package, and submits this file with sbatch
  local nodes=1 gpus=1 dry_run=false more=() resources workdir command
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
      --nodes=*) nodes=${1#*=} ;;
      --gpus_per_node=* | --gpus-per-node=*) gpus=${1#*=} ;;
      --dry-run | --dry_run) dry_run=true ;;
      --help) usage; exit 0 ;;
      --*=*) more+=("$1") ;;
      *) fail "unknown argument '$1'; options of sbatch as --name=value, flags of gan_jax.main after --" ;;
    esac
    shift
  done
  shift || fail "flags of gan_jax.main are missing; they follow after --"
  [[ $nodes =~ ^[1-9][0-9]*$ ]] || fail "--nodes=$nodes: expected a whole number from 1"
  [[ $gpus =~ ^[0-9]+$ ]] || fail "--gpus_per_node=$gpus: expected a whole number, 0 for none"
  workdir=$(workdir_of "$@")
  [ -n "$workdir" ] || fail "--workdir is missing among the flags after --"
  # jax.distributed uses one GPU per task, the one with the task's number on its node; so all GPUs of a node must be
  # visible to all its tasks, which --gpus-per-task would prevent.
  resources=(--ntasks-per-node=1)
  if [ "$gpus" != 0 ]; then resources=(--ntasks-per-node="$gpus" --gpus-per-node="$gpus"); fi
  # Without a B, the signal goes to the tasks, not to the batch shell.
  command=(sbatch --nodes="$nodes" "${resources[@]}" --signal=TERM@120 --requeue --open-mode=append
    --job-name="gan_jax-${workdir//[^A-Za-z0-9._-]/_}" --dependency=singleton --chdir="$root" --output="$logs/%j.log"
    ${more[@]+"${more[@]}"} "$root/launch/slurm.sh" batch "$root" "$@")
  if $dry_run; then printf '%q ' "${command[@]}"; echo; return; fi
  command -v sbatch >/dev/null || fail "sbatch is not found; this is no machine of a SLURM cluster"
  if [ "$gpus" = 0 ]; then prepare "${EXTRAS-}"; else prepare "${EXTRAS-cuda}"; fi
  mkdir -p "$logs"
  exec "${command[@]}"
}

tasks() { # waits for the end of training, also after signals
  local process status
  srun --kill-on-bad-exit=1 --output="$1.%t.log" "$venv/bin/python" -m gan_jax.main --multihost "${@:2}" &
  process=$!
  # SLURM signals the tasks itself; a second signal would end them before they have saved, so none is forwarded.
  trap : TERM
  while status=0; wait "$process" || status=$?; kill -0 "$process" 2>/dev/null; do :; done
  return "$status"
}

requeue() { # the same job again, unless it was cancelled
  local state
  state=$(scontrol show job --oneliner "$SLURM_JOB_ID" | grep -o 'JobState=[A-Z_]*' || echo JobState=unknown)
  [ "$state" = JobState=RUNNING ] || { say "the job is ${state#*=}: not queued again"; return; }
  say "$1: queued again"
  scontrol requeue "$SLURM_JOB_ID"
}

batch() { # the job: runs all tasks, and decides if it must run again
  local name=$logs/$SLURM_JOB_ID status=0 log word
  log=$name-${SLURM_RESTART_COUNT:-0}
  # Since version 22.05, srun does not inherit this option from the job.
  if [ -n "${SLURM_CPUS_PER_TASK-}" ]; then export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK; fi
  tasks "$log" "$@" || status=$?
  word=$(outcome "$log".*.log)
  case $word in
    finished) say "finished"; return ;;
    failed) grep --no-filename -m1 '^error: ' "$log".*.log | sort -u >&2; return 1 ;;
    stopped) requeue "training saved and stopped" ;;
    *)
      echo "start ${SLURM_RESTART_COUNT:-0}: exit code $status" >>"$name.lost"
      [ "$(wc -l <"$name.lost")" -le 5 ] || { say "training ended early too often; see $log.*.log"; return 1; }
      requeue "training ended early" ;;
  esac
}

case ${1-} in
  batch) batch "${@:3}" ;;
  '') usage >&2; exit 2 ;;
  *) submit "$@" ;;
esac
