"""Compares variants of a recipe: `python -m gan_jax.study --config=configs/studies/tricks_on_ring.py`.

Flags are parsed, and types and ranges of all recipes are checked, before JAX is imported.
"""

import dataclasses
import functools
import os
import sys
from typing import Any

from absl import flags
from ml_collections import config_flags

from gan_jax import recipe as recipe_lib
from gan_jax.cli import command, config_file
from gan_jax.errors import UsageError
from gan_jax.study import definition

try:
    _CONFIG = config_flags.DEFINE_config_file(
        "config", None, "The study, as in configs/studies/tricks_on_ring.py."
    )
except flags.Error as error:  # It opens the files of --flagfile already.
    command.fail(error)
_OUTPUT = flags.DEFINE_string("output", None, "Folder of trials and results; runs/<study> by default.")
_ONLY = flags.DEFINE_list("only", [], "Variants to train; all by default.")
_SEEDS = flags.DEFINE_integer("seeds", None, "Number of seeds per variant; the study's own by default.", 1)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data; TFDS's own by default.")


def _do() -> None:
    try:
        if _CONFIG.value is not None:
            _plain(_CONFIG.value)  # A config that could not be loaded raises only when it is used.
    except Exception as error:  # It is a program and may raise anything.
        _explain(sys.argv, error)
    if _CONFIG.value is None:
        raise UsageError("--config is missing; as in --config=configs/studies/tricks_on_ring.py")
    study = dataclasses.replace(_CONFIG.value, seeds=_SEEDS.value or _CONFIG.value.seeds)
    definition.validate(study)
    for name in _ONLY.value:
        definition.variant(study, name)
    stem = os.path.splitext(os.path.basename(config_flags.get_config_filename(flags.FLAGS["config"])))[0]
    command.import_jax()
    from gan_jax.runtime import cpu
    from gan_jax.study import running

    cpu.keep_memory()
    running.run(
        study,
        command.path(_OUTPUT.value) or os.path.join("runs", stem),
        only=_ONLY.value,
        data_dir=command.path(_DATA_DIR.value),
    )


def _plain(study: Any) -> dict[str, Any]:
    """The fields of a study that flags can change, as nested dicts."""
    definition.check_type(study)
    return {"title": study.title, "seeds": study.seeds, "base": recipe_lib.to_dict(study.base)}


_explain = functools.partial(config_file.explain, plain=_plain)


if __name__ == "__main__":
    command.run(_do, _explain)
