# shellcheck shell=bash
# Sourced by tpu_vm.sh, worker.sh and slurm.sh: errors, and the outcome of a training process from its log.

fail() { # one line, as gan_jax.main prints a user's mistake
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

# outcome LOG...: finished, failed (a new start would fail again), stopped (it saved and resumes when started again)
# or lost (it ended without a message: it was killed, or a peer was). Exit codes are not enough: gan_jax.main exits
# with 0 after SIGTERM too, and the code of many tasks may be that of a task that was killed with the first.
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
