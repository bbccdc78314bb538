#!/usr/bin/env bash
# Installs once, then trains or samples: launch/train.sh --config=configs/dcgan.py [flags of gan_jax.main]
# EXTRAS=cuda or EXTRAS=tpu installs JAX for that accelerator; EXTRAS=prepare adds what prepares TFDS data.
set -euo pipefail
# shellcheck source=launch/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare "${EXTRAS:-}"
exec "$venv/bin/python" -m gan_jax.main "$@"
