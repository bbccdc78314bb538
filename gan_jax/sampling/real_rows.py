"""The data of a finished run as it is today, with classes numbered as the run learned them."""

import dataclasses
import logging
from typing import Any

from gan_jax import build
from gan_jax.checkpoints import checkpoint
from gan_jax.data import classes, fingerprint
from gan_jax.data.source import Source
from gan_jax.sampling.loading import LoadedModel

log = logging.getLogger("gan_jax")


def of(model: LoadedModel, data_dir: str | None = None, **changes: Any) -> Source:
    """The run's data set; a warning says if it has changed since the training.

    Args:
        model: The LoadedModel.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        **changes: Other entries of the recipe's `data`, such as `split`.

    Returns:
        The Source. Classes are matched by name: a class has the number that it had in training.

    Raises:
        UsageError: There is no such data, or it has rows of a class that the run does not know.
    """
    recipe = dataclasses.replace(model.recipe, data={**model.recipe.data, **changes})
    source = build.source(recipe, data_dir)
    if not changes:
        _compare(model.workdir, source)
    known = model.modality.facts.get("class_names", ())
    return classes.aligned(source, known, f"the run in {model.workdir}")


def _compare(workdir, source):
    """Warns if the data are not those of the training."""
    _, known = checkpoint.read_recipe(workdir)
    if known and (lines := fingerprint.changes(known, fingerprint.describe(source))):
        log.warning("%s: the data has changed since the training (%s)", workdir, "; ".join(lines))
