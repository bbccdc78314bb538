"""A model from a workdir, for everything that is done with a finished run."""

from typing import NamedTuple

import jax

from gan_jax import build, modalities
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.recipe import Recipe
from gan_jax.runtime import parallel
from gan_jax.step import TrainSpec, TrainState
from gan_jax.types import Game, Modality


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
