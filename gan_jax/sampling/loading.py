"""A model out of a workdir, as everything that a finished run is good for needs it."""

from typing import Any, NamedTuple

import jax

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.runtime import parallel


class LoadedModel(NamedTuple):
    """One checkpoint of a run, and the rules it was trained by.

    Attributes:
        workdir: Folder of the run.
        recipe: Its Recipe.
        facts: Dict of `resolution`, `channels` and `classes` of its data.
        rules: Its TrainSpec.
        step: Rounds played.
        state: The TrainState, on one device.
    """

    workdir: str
    recipe: Any
    facts: dict
    train_spec: Any
    step: int
    state: Any


def load(workdir, step=None):
    """A model from a workdir.

    Args:
        workdir: Folder of a run.
        step: Rounds played, `best`, or None for the newest checkpoint.

    Returns:
        The LoadedModel.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, or a damaged one.
    """
    plain, facts = checkpoint.read_recipe(workdir)
    exist = checkpoint.steps(workdir)
    if plain is None or not exist:
        raise UsageError(
            f"{workdir} holds no checkpoint of a run; train one with --config and this --workdir"
        )
    recipe = recipe_lib.from_dict(plain)
    train_spec = build.train_spec(recipe, facts)
    chosen = _step(workdir, step, exist)
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    abstract = parallel.abstract(build.start(train_spec, facts, recipe.batch_size), jax.random.key(0), here)
    return LoadedModel(
        workdir, recipe, facts, train_spec, chosen, checkpoint.restore(workdir, abstract, chosen)
    )


def _step(workdir, step, exist):
    """What `--step` means: a number, `best`, or the newest."""
    if step is None:
        return exist[-1]
    if step == "best":
        best = checkpoint.best_step(workdir)
        if best is None:
            raise UsageError(f"step=best: {workdir} was not evaluated in training; set eval_every")
        return best
    if isinstance(step, str) and not step.isdecimal():
        raise UsageError(f"step={step!r}: expected a number of steps or 'best'")
    return int(step)
