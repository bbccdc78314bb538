# shellcheck shell=bash
# Sourced by other scripts: a virtual environment in .venv with the package and its extras, installed once.
# PYTHON chooses the interpreter (3.11 or newer). Uses uv if it is installed, else venv and pip.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${GAN_JAX_VENV:-$root/.venv}

recent() { # is this command a Python that JAX supports?
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

interpreter() { # the first suitable interpreter
  local candidate candidates=${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}
  for candidate in $candidates; do
    if recent "$candidate"; then command -v "$candidate"; return; fi
  done
  echo "error: no Python 3.11 or newer among: $candidates; set PYTHON to one" >&2
  return 2
}

# prepare EXTRAS: installs the package with these extras, if anything has changed since the last time.
prepare() {
  local extras=$1 package=$root${1:+[$1]} python=$venv/bin/python stamp wanted
  stamp=$venv/installed-${extras:-nothing}
  recent "$python" || python=$(interpreter)
  wanted=$(cat "$root/setup.cfg" "$root/pyproject.toml" && "$python" -V && echo "$root")
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  echo "installing into $venv, this once; it takes a minute or two" >&2
  if command -v uv >/dev/null 2>&1; then
    recent "$venv/bin/python" || uv venv --quiet --clear --python "$python" "$venv"
    UV_COMPILE_BYTECODE=1 uv pip install --quiet --python "$venv/bin/python" --editable "$package"
  else
    recent "$venv/bin/python" || "$python" -m venv --clear "$venv"
    # An inherited PYTHONDONTWRITEBYTECODE would slow down every later start.
    PYTHONDONTWRITEBYTECODE='' "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$package"
  fi
  printf '%s' "$wanted" >"$stamp"
}
