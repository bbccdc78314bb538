# shellcheck shell=bash
# Sourced by tpu_vm.sh, worker.sh and slurm.sh: errors, and what a training process's log says became of it.

fail() { # one line, as gan_jax.main says a user's mistake
  echo "error: $*" >&2
  exit 2
}

say() { echo "$(basename "$0"): $*" >&2; }

workdir_of() { # the workdir among flags of gan_jax.main, empty if there is none
  local found=
  while [ $# -gt 0 ]; do
    case $1 in
      --workdir=* | -workdir=*) found=${1#*=} ;;
      --workdir | -workdir) found=${2-} ;;
    esac
    shift
  done
  echo "$found"
}

# outcome LOG...: finished, failed (again would fail again), stopped (it saved and goes on when started again) or
# lost (it ended without a word: killed, or a peer was). Exit codes do not tell: gan_jax.main leaves with 0 after
# SIGTERM too, and of many tasks the code is that of whoever was killed with the first.
outcome() {
  if grep --extended-regexp --quiet 'finished [0-9]+ steps;' "$@" 2>/dev/null; then
    echo finished
  elif grep --extended-regexp --quiet '^error: ' "$@" 2>/dev/null; then
    echo failed
  elif grep --extended-regexp --quiet 'stopped at step [0-9]+ of [0-9]+;' "$@" 2>/dev/null; then
    echo stopped
  else
    echo lost
  fi
}
