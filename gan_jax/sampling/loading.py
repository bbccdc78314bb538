"""A model from a workdir, for everything that is done with a finished run."""

import logging
from typing import NamedTuple

import jax

from gan_jax import build, modalities
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.data import fingerprint
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.recipe import Recipe
from gan_jax.runtime import parallel
from gan_jax.step import TrainSpec, TrainState
from gan_jax.types import Game, Modality

log = logging.getLogger("gan_jax")


class LoadedModel(NamedTuple):
    """One checkpoint of a run, and the functions it was trained by.

    Attributes:
        workdir: Folder of the run.
        recipe: Its Recipe.
        modality: The Modality of its data.
        train_spec: Its TrainSpec.
        step: Steps taken.
        state: The TrainState, on one device.
    """

    workdir: str
    recipe: Recipe
    modality: Modality
    train_spec: TrainSpec
    step: int
    state: TrainState

    @property
    def game(self) -> Game:
        """The game that was played."""
        return self.train_spec.game


def load(workdir: str, step: int | str | None = None) -> LoadedModel:
    """A model from a workdir.

    Args:
        workdir: Folder of a run.
        step: Steps taken, `best`, or None for the newest checkpoint.

    Returns:
        The LoadedModel.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, or a damaged one.
    """
    plain, data = checkpoint.read_recipe(workdir)
    steps = checkpoint.steps(workdir)
    if plain is None or data is None or not steps:
        raise UsageError(
            f"{workdir} holds no checkpoint of a run; train one with --config and this --workdir"
        )
    recipe, modality = recipe_lib.from_dict(plain), modalities.from_plain(data)
    train_spec = build.train_spec(recipe, modality)
    chosen = _step(workdir, step, steps)
    device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    start = build.start(train_spec, modality, recipe.batch_size)
    abstract = parallel.abstract(start, jax.random.key(0), device)
    state = checkpoint.restore(workdir, abstract, chosen)
    return LoadedModel(workdir, recipe, modality, train_spec, chosen, state)


def data(model: LoadedModel, data_dir: str | None = None) -> Source:
    """The data set that a model was trained on; a warning says if it has changed since.

    Args:
        model: The LoadedModel.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        The Source.

    Raises:
        UsageError: No such data set, or one that is not prepared and cannot be.
    """
    source = build.source(model.recipe, data_dir)
    _, known = checkpoint.read_recipe(model.workdir)
    if known and (lines := fingerprint.changes(known, fingerprint.describe(source))):
        log.warning("%s: the data has changed since the training (%s)", model.workdir, "; ".join(lines))
    return source


def _step(workdir, step, steps):
    """The checkpoint that `--step` means: a number, `best`, or the newest."""
    if step is None:
        return steps[-1]
    if step == "best":
        best = checkpoint.best_step(workdir)
        if best is None:
            raise UsageError(f"step=best: {workdir} was not evaluated in training; set eval_every")
        return best
    if isinstance(step, str) and not step.isdecimal():
        raise UsageError(f"step={step!r}: expected a number of steps or 'best'")
    return int(step)
