"""The data of a finished run as it is today, with classes numbered as the run learned them."""

import dataclasses
from typing import Any

from gan_jax import build
from gan_jax.data import classes
from gan_jax.data.source import Source
from gan_jax.sampling.loading import LoadedModel


def of(model: LoadedModel, data_dir: str | None = None, **changes: Any) -> Source:
    """The run's data set.

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
    known = model.modality.facts.get("class_names", ())
    return classes.aligned(build.source(recipe, data_dir), known, f"the run in {model.workdir}")
