"""A model from a workdir, for everything that is done with a finished run."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax

from gan_jax import build, modalities, names, stages
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
        recipe: Its Recipe; that of its stage, in a run of several.
        modality: The Modality of its data.
        train_spec: Its TrainSpec.
        step: Steps taken.
        state: The TrainState, on one device.
        trust: Whether its names may lead out of the library.
        truncation: Largest absolute value of an entry of its latents; None if there is no limit.
        standing: Passes of which its batch norms have the statistics; 0 for the running ones of training.
    """

    workdir: str
    recipe: Recipe
    modality: Modality
    train_spec: TrainSpec
    step: int
    state: TrainState
    trust: bool = False
    truncation: float | None = None
    standing: int = 0

    @property
    def game(self) -> Game:
        """The game that was played."""
        return self.train_spec.game


def load(workdir: str, step: int | str | None = None, *, trust: bool = False) -> LoadedModel:
    """A model from a workdir.

    Names in a workdir are names of functions, and to look one up may import a module, whose code then runs. A
    workdir may come from somebody else, so its names are those of the library unless it is trusted.

    Args:
        workdir: Folder of a run.
        step: Steps taken, `best`, or None for the newest checkpoint.
        trust: Import whatever modules the workdir names.

    Returns:
        The LoadedModel. The names of its networks, game, losses, optimizers and data have been looked up
        once, so that later uses of the model import nothing else. Those of its evaluations in training have
        not been.

    Raises:
        UsageError: No run or no such checkpoint in the workdir, a damaged one, or names of other modules that
            are not trusted.
    """
    plain, data = checkpoint.read_recipe(workdir)
    steps = checkpoint.steps(workdir)
    if plain is None or data is None or not steps:
        raise UsageError(
            f"{workdir} holds no checkpoint of a run; train one with --config and this --workdir"
        )
    chosen = _step(workdir, step, steps)
    with names.library_alone(needed=not trust):
        try:
            recipe, modality, train_spec, abstract = _described(plain, data, trust, chosen)
        except names.Foreign as error:
            listed = ", ".join(_foreign(plain, data)) or str(error)
            raise UsageError(
                f"{workdir} names code outside of gan_jax, optax, flax.linen and jax.nn: {listed}; to open "
                "it runs that code: if you trust it, add --trust, or in Python trust=True"
            ) from None
    # The file of a network that only losses look through may be gone.
    state = checkpoint.restore(workdir, abstract, chosen, kept="features")
    return LoadedModel(workdir, recipe, modality, train_spec, chosen, state, trust)


def _described(plain, data, trust, step):
    """Recipe, modality and TrainSpec of the step's stage, and the state's shapes; all names are looked up."""
    recipe = recipe_lib.from_dict(plain)
    recipe_lib.validate(recipe)
    modality = modalities.from_plain(data)
    if not trust:
        build.opener(recipe)  # Looks up the names of the data too, which later uses of the model open.
    train_spec = build.train_spec(recipe, modality)
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    start = build.start(train_spec, modality, recipe.batch_size)
    abstract = parallel.abstract(start, jax.random.key(0), device)
    if recipe.stages:
        stage = stages.at(stages.of(recipe), step)
        recipe = stage.recipe
        modality = build.staged(modality, stage)
        train_spec = build.train_spec(recipe, modality, stage=stage)
    return recipe, modality, train_spec, abstract


def _foreign(plain: dict[str, Any], data: dict[str, Any]) -> list[str]:
    """For the message: dotted paths of a recipe and a modality that lead out of the library."""
    # A data set's strings beside its name are files and splits.
    options = {
        option: value
        for option, value in plain["data"].items()
        if option == "name" or not isinstance(value, str)
    }
    parts = {**plain, "data": options, "modality": data["facts"]["modality"]}
    parts = {field: part for field, part in parts.items() if not field.startswith("eval_")}
    known = (*build.PLACES, modalities)

    def leads_out(text):
        try:
            names.find(text, known, "")
        except UsageError:
            return True
        return False

    return [text for text in dict.fromkeys(_texts(parts)) if names.names_code(text) and leads_out(text)]


def _texts(tree: Any) -> Iterator[str]:
    """Walks nested dicts and lists; yields their keys and all strings."""
    if isinstance(tree, str):
        yield tree
    if isinstance(tree, dict):
        yield from tree
        tree = list(tree.values())
    for part in tree if isinstance(tree, list) else ():
        yield from _texts(part)


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
