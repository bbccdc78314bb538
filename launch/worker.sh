#!/usr/bin/env bash
# The commands of tpu_vm.sh on every worker of a TPU VM. RUN is a name derived from the workdir.
#   worker.sh install EXTRAS | start RUN TOKEN [flags of gan_jax.main] | stop RUN | outcome RUN | log RUN | follow RUN
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/common.sh
. "$here/common.sh"
# shellcheck source=launch/environment.sh
. "$here/environment.sh"
folder=$HOME/gan_jax-runs/${2-}

install() { # the package, with uv's own Python 3.12: the images of TPU VMs have an older one
  PATH=$HOME/.local/bin:$PATH
  command -v uv >/dev/null 2>&1 || python3 -m pip install --quiet --user uv || true
  if command -v uv >/dev/null 2>&1; then
    uv python install --quiet 3.12
    PYTHON=$(uv python find 3.12)
  fi
  prepare "$1"
}

alive() { # is a run of this name active? The lock is released when its process ends.
  [ -f "$folder/lock" ] && ! flock --nonblock "$folder/lock" true
}

# start TOKEN [flags]: training that outlives this connection. The same TOKEN again is a retry of the same start.
start() {
  local token=$1
  shift
  mkdir -p "$folder"
  exec 9>>"$folder/lock"
  if ! flock --nonblock 9; then
    if [ "$(cat "$folder/token")" = "$token" ]; then return; fi
    fail "$(hostname): a run of this workdir is alive, process $(cat "$folder/pid"); watch, follow or stop it"
  fi
  echo "$token" >"$folder/token"
  if [ -f "$folder/log" ]; then cat "$folder/log" >>"$folder/log.before"; fi
  rm -f "$folder/asked"
  cd "$root"
  setsid nohup "$venv/bin/python" -m gan_jax.main --multihost "$@" >"$folder/log" 2>&1 </dev/null &
  echo $! >"$folder/pid" # setsid and nohup replace themselves by the program, so this is the training process
}

stop() { # sends SIGTERM, after which training saves; kills it after STOP_SECONDS
  local second
  alive || return 0
  touch "$folder/asked"
  kill -TERM "$(cat "$folder/pid")" || true
  for ((second = 0; second < ${STOP_SECONDS:-120}; second++)); do
    alive || return 0
    sleep 1
  done
  kill -KILL "$(cat "$folder/pid")" || true
}

report() { # running, ended (on request), or the outcome from the log
  local word
  if alive; then echo running; return; fi
  word=$(outcome "$folder/log")
  case $word in stopped | lost) if [ -f "$folder/asked" ]; then word=ended; fi ;; esac
  echo "$word"
}

case ${1-} in
  install) install "$2" ;;
  start) start "${@:3}" ;;
  stop) stop ;;
  outcome) report ;;
  log) tail -n 20 "$folder/log" ;;
  follow) exec tail -n 100 -F "$folder/log" ;;
  *) fail "worker.sh: unknown command '${1-}'" ;;
esac
