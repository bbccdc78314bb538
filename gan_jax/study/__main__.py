"""Compares variants of a recipe: `python -m gan_jax.study --config=configs/studies/tricks_on_ring.py`.

Flags are parsed, and types and ranges of all recipes are checked, before JAX is imported.
"""

import dataclasses
import os

from absl import flags

from gan_jax import overrides
from gan_jax import recipe as recipe_lib
from gan_jax.cli import command, config_file
from gan_jax.errors import unknown
from gan_jax.study import definition

_FILE = flags.DEFINE_string(
    "config",
    None,
    "The study; --config.base.path=value changes, adds or, with None, removes a part of its base.",
)
_CONFIG = config_file.Config(_FILE, "configs/studies/tricks_on_ring.py", [])
_OUTPUT = flags.DEFINE_string("output", None, "Folder of trials and results; runs/<study> by default.")
_ONLY = flags.DEFINE_list("only", [], "Variants to train; all by default.")
_SEEDS = flags.DEFINE_integer("seeds", None, "Number of seeds per variant; the study's own by default.", 1)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data; TFDS's own by default.")


def _do() -> None:
    written = definition.checked_type(_CONFIG.written())
    study = _changed(written)
    definition.validate(study)
    for name in _ONLY.value:
        definition.variant(study, name)
    command.import_jax()
    from gan_jax.runtime import cpu
    from gan_jax.study import running
    from gan_jax.training.adapted import adapted

    cpu.keep_memory()
    running.run(
        dataclasses.replace(study, base=adapted(written.base, study.base)),
        command.path(_OUTPUT.value) or os.path.join("runs", _CONFIG.stem()),
        only=_ONLY.value,
        data_dir=command.path(_DATA_DIR.value),
    )


def _changed(study: definition.Study) -> definition.Study:
    """The study with the changes of flags."""
    for path, _ in _CONFIG.changes:
        if not path.startswith("base."):
            raise unknown("config", path, ("base.<field of the recipe>",))
    base = recipe_lib.from_dict(_CONFIG.change(overrides.fields(study.base), "base."))
    return dataclasses.replace(study, base=base, seeds=_SEEDS.value or study.seeds)


if __name__ == "__main__":
    command.run(_do, _CONFIG.take)
