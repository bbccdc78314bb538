#!/usr/bin/env bash
# Fakes of gcloud, the programs of SLURM, uv and Python, under their names; their files are in the folder $STUBS.
# gcloud keeps the state of one TPU VM with two workers in a file, copies files to their homes and really runs commands
# there; srun runs two tasks. Each line of $STUBS/faults, words of a command and its outcome, is used once; training
# ends as $STUBS/training says, one word for each start of a worker.
set -euo pipefail

record() { # record FILE WORDS...: one line of JSON
  local word line=
  for word in "${@:2}"; do
    word=${word//\\/\\\\} word=${word//\"/\\\"} word=${word//$'\n'/\\n}
    line+=", \"$word\""
  done
  echo "[${line#, }]" >>"$STUBS/$1.jsonl"
}

end() { # end CODE MESSAGE
  echo "$2" >&2
  exit "$1"
}

kill_training() {
  local file pid
  for file in "$STUBS"/workers/*/gan_jax-runs/*/pid; do
    if [ ! -f "$file" ]; then continue; fi
    pid=$(cat "$file")
    if grep --quiet gan_jax.main "/proc/$pid/cmdline" 2>/dev/null; then kill -KILL "$pid" || true; fi
  done
}

fault() { # the outcome planned for the next command with these words
  local words answer number planned
  [ -f "$STUBS/faults" ] || return 0
  mapfile -t planned <"$STUBS/faults"
  for number in "${!planned[@]}"; do
    IFS=$'\t' read -r words answer <<<"${planned[number]}"
    case " $* " in *"${words}"*) ;; *) continue ;; esac
    unset "planned[number]"
    printf '%s\n' "${planned[@]}" | sed '/^$/d' >"$STUBS/faults"
    case $answer in
      preempt) kill_training; printf PREEMPTED >"$STUBS/state" ;;
      crash) kill_training ;;
      *) end 1 "$(printf %b "$answer")" ;;
    esac
    return
  done
}

describe() {
  local state
  [ -f "$STUBS/state" ] || end 1 'ERROR: (gcloud.compute.tpus.tpu-vm.describe) NOT_FOUND: Resource was not found'
  state=$(cat "$STUBS/state")
  if [ "$1" = queued-resources ]; then
    case $state in READY) state=ACTIVE ;; PREEMPTED) state=SUSPENDED ;; esac
  fi
  echo "$state"
}

create() {
  rm -rf "$STUBS/workers"
  mkdir -p "$STUBS/workers/0" "$STUBS/workers/1"
  printf READY >"$STUBS/state"
}

delete() {
  kill_training
  rm "$STUBS/state" 2>/dev/null || end 1 'ERROR: (gcloud.compute.tpus.tpu-vm.delete) NOT_FOUND: Resource was not found'
}

ssh() { # runs the command in a shell on each worker; the first nonzero code becomes gcloud's own
  local word worker command='' which='' code=0
  if [ "$(cat "$STUBS/state")" != READY ]; then
    end 1 "ERROR: (gcloud.compute.tpus.tpu-vm.ssh) This TPU has terminal state \"$(cat "$STUBS/state")\""
  fi
  for word in "$@"; do
    case $word in --command=*) command=${word#*=} ;; --worker=all) which='0 1' ;; --worker=*) which=${word#*=} ;; esac
  done
  for worker in $which; do
    (cd "$STUBS/workers/$worker" && HOME=$PWD exec bash -c "$command") || code=$?
  done
  exit "$code"
}

gcloud() {
  record calls gcloud "$@"
  fault "$@"
  case $4 in
    scp) for home in "$STUBS"/workers/*; do cp "$5" "$home/${6#*:}"; done ;;
    describe) describe "$3" ;;
    create | delete | ssh) "$4" "$@" ;;
  esac
}

sbatch() {
  record calls sbatch "$@"
  echo "Submitted batch job 7"
}

srun() { # two tasks; the first that fails ends the other, as --kill-on-bad-exit does
  local word log='' pids=() task code=0
  record calls srun "$@"
  while [ "${1#--}" != "$1" ]; do
    case $1 in --output=*) log=${1#*=} ;; esac
    shift
  done
  for task in 0 1; do
    SLURM_PROCID=$task "$@" >"${log//%t/$task}" 2>&1 &
    pids+=($!)
  done
  echo "${pids[*]}" >"$STUBS/tasks"
  while [ "${#pids[@]}" -gt 0 ]; do
    word=0
    wait -n "${pids[@]}" || word=$?
    if [ "$word" -gt "$code" ]; then code=$word; kill -KILL "${pids[@]}" 2>/dev/null || true; fi
    mapfile -t pids < <(jobs -pr)
  done
  exit "$code"
}

scontrol() {
  record calls scontrol "$@"
  case $1 in show) echo "JobId=7 JobName=gan JobState=$(cat "$STUBS/job") Reason=None Requeue=1" ;; esac
}

uv() { # creates environments whose Python is this file
  record installed "$@"
  case $1-$2 in
    python-find) echo "$STUBS/bin/python3.12" ;;
    venv-*) mkdir -p "${!#}/bin" && cp "$0" "${!#}/bin/python" ;;
  esac
}

python() { # reports its version, and simulates training
  local worker ending starts
  case $1 in -c) return ;; -V) echo Python 3.12.0; return ;; esac
  worker=${SLURM_PROCID-$(basename "$HOME")}
  record "trained-$worker" "$@"
  starts=$(wc -l <"$STUBS/trained-$worker.jsonl")
  ending=$(cut -d ' ' -f "$starts" "$STUBS/training")
  case $ending in
    finish) end 0 'finished 10 steps; the workdir holds checkpoints' ;;
    fail) end 2 'error: batch_size=3 is not divisible by 8 devices' ;;
  esac
  trap 'kill $!; end 0 "stopped at step 3 of 10; the same command goes on from there"' TERM
  echo started
  sleep 60 9>&- & # Processes that outlive training must not hold its lock.
  wait
}

name=$(basename "$0")
"${name%3.12}" "$@"
