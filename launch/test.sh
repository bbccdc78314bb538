#!/usr/bin/env bash
# Installs once, then runs the tests: launch/test.sh [flags of pytest]
set -euo pipefail
# shellcheck source=launch/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare "test${EXTRAS:+,$EXTRAS}"
cd "$root"
exec "$venv/bin/python" -m pytest "$@"
