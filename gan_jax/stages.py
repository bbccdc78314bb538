"""Stages of a run: for so many images each, a recipe with some of its values changed, on one clock."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import images, overrides
from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError, unknown
from gan_jax.recipe import Recipe
from gan_jax.types import FADE

# What a stage says beside its changes of the recipe.
OWN = ("images", "fade", "reset")
# Fields of a recipe that a stage may change, and options of its data: what a step is made of.
FIELDS = (
    "data", "game", "nets", "losses", "optimizers", "moves", "updates", "batch_size", "accumulate",
    "precision", "matmul_precision", "share_batches",
)  # fmt: skip
DATA = ("halvings", "crop", "flip", "degrade")


class Stage(NamedTuple):
    """Some steps of a run.

    Attributes:
        recipe: The Recipe of these steps, without stages.
        unit: Real samples per step of the run's own recipe: schedules count time in these.
        name: Its name in the recipe; empty for a run without stages.
        first: Steps of the run before it.
        last: Steps of the run at its end; that of the last stage may lie behind the end of the run.
        seen: Real samples seen before it.
        skipped: Rows that were read before it, less those that as many steps of this stage would have read.
        fade: Real samples over which networks and data go over from the stage before; 0 for none.
        reset: Whether optimizers begin anew, at its start and at the end of its fade.
    """

    recipe: Recipe
    unit: int
    name: str = ""
    first: int = 0
    last: int = 0
    seen: int = 0
    skipped: int = 0
    fade: int = 0
    reset: bool = False

    @property
    def samples(self) -> int:
        """Real samples per step."""
        return self.recipe.samples_per_step

    def time(self, step: Any) -> Any:
        """What schedules read: the samples seen, in steps of the run's own recipe.

        Args:
            step: Steps taken, a number or an int32 array of the run, no other stage's.

        Returns:
            The step itself where every step so far had as many samples as one of the recipe, else float32.
        """
        if self.seen == self.first * self.unit and self.samples == self.unit:
            return step
        return jnp.float32(step - self.first) * (self.samples / self.unit) + self.seen / self.unit

    def faded(self, step: Any) -> jax.Array:
        """How far the stage has replaced the one before, in [0, 1].

        Args:
            step: Steps taken.

        Returns:
            float32: 0 before its first step, 1 from the end of its fade.
        """
        if not self.fade:
            return jnp.ones((), jnp.float32)
        return jnp.clip(jnp.float32(step - self.first) * (self.samples / self.fade), 0.0, 1.0)

    def pieces(self, steps: int) -> Iterator[range]:
        """The steps of the stage between two resets of its optimizers.

        Args:
            steps: Steps of the whole run.

        Yields:
            Ranges of steps, one after the other.
        """
        last = min(self.last, steps)
        fading = self.first + math.ceil(self.fade / self.samples) if self.reset else self.first
        edges = sorted({self.first, min(fading, last), last})
        yield from (range(*edge) for edge in zip(edges, edges[1:]))


def of(recipe: Recipe) -> tuple[Stage, ...]:
    """The stages of a run.

    Args:
        recipe: Its Recipe.

    Returns:
        Stages in order, those that begin after the last step left out; one for a recipe without stages.

    Raises:
        UsageError: A stage without a length before the last one, a change of something that a stage cannot
            change, or a recipe with mistakes after the changes.
    """
    whole = of_all(recipe)
    if not recipe.stages:
        return (whole,)
    if recipe.data.get("halvings"):
        raise UsageError(f"data.halvings={recipe.data['halvings']}: with stages, each says its own")
    found: list[Stage] = []
    first = seen = read = 0
    for number, (name, spec) in enumerate(recipe.stages.items()):
        own, changes = _parted(name, spec)
        changed = _changed(whole.recipe, changes, name)
        length = -(-own["images"] // changed.samples_per_step)
        if not length and number < len(recipe.stages) - 1:
            raise UsageError(f"stages.{name}: expected `images`, its length; only the last stage has none")
        if own["fade"] > own["images"] > 0:
            raise UsageError(f"stages.{name}.fade={own['fade']}: expected at most images={own['images']}")
        last = first + length if length and number < len(recipe.stages) - 1 else max(recipe.steps, first)
        rows, count = changed.batch_size * changed.batches_per_step, last - first
        found.append(
            Stage(
                changed, whole.unit, name, first, last, seen, read - first * rows, own["fade"], own["reset"]
            )  # fmt: skip
        )
        first, seen, read = last, seen + count * changed.samples_per_step, read + count * rows
    return tuple(stage for stage in found if stage.first < recipe.steps)


def of_all(recipe: Recipe) -> Stage:
    """A recipe as it is without its stages, as if it were the only one."""
    alone = overrides.merged(recipe, {})
    alone.stages = {}
    return Stage(alone, recipe.samples_per_step, last=recipe.steps)


def at(stages: tuple[Stage, ...], step: int) -> Stage:
    """The stage of the last step that was taken.

    Args:
        stages: From `of`.
        step: Steps taken; 0 for the first stage.

    Returns:
        The Stage.
    """
    return next((stage for stage in stages if step <= stage.last), stages[-1])


def progressed(stage: Stage, state: Any, batches: dict) -> tuple[Any, dict]:
    """What a step of a stage begins with: networks hear how far the stage has come, and so do the images.

    Args:
        stage: The Stage.
        state: The TrainState.
        batches: Decoded rows by name, arrays [..., *shape].

    Returns:
        The state, in whose carry every entry `FADE` of a network has the share of the newest level, and the
        batches, whose `real` images are as much of their own size as that (Karras et al. 2018,
        arXiv:1710.10196, appendix A.1).
    """
    share = stage.faded(state.step)

    def heard(path, leaf):
        names = tuple(str(getattr(part, "key", part)) for part in path[-2:])
        return share.astype(leaf.dtype) if names == FADE else leaf

    state = state.replace(carry=jax.tree_util.tree_map_with_path(heard, state.carry))
    if not stage.fade:
        return state, batches
    real = batches["real"]
    coarse = images.enlarged(images.halved(real), 2)
    return state, {**batches, "real": (1 - share) * coarse + share * real}


def _parted(name, spec):
    """What a stage says of itself, and its changes of the recipe."""
    if not isinstance(spec, dict):
        raise UsageError(f"stages.{name}={spec!r}: expected a dict with `images` and changes of the recipe")
    own = {"images": 0, "fade": 0, "reset": False, **{word: spec[word] for word in OWN if word in spec}}
    for word in ("images", "fade"):
        if not isinstance(own[word], int) or isinstance(own[word], bool) or own[word] < 0:
            raise UsageError(f"stages.{name}.{word}={own[word]!r}: expected a number of images, at least 0")
    if not isinstance(own["reset"], bool):
        raise UsageError(f"stages.{name}.reset={own['reset']!r}: expected True or False")
    changes = {field: value for field, value in spec.items() if field not in OWN}
    for field in changes:
        if field not in FIELDS:
            raise unknown(f"stages.{name}", field, [*OWN, *FIELDS])
    for option in changes.get("data", {}):
        if option not in DATA:
            raise unknown(f"stages.{name}.data", option, DATA)
    return own, changes


def _changed(recipe: Recipe, changes: Mapping[str, Any], name: str) -> Recipe:
    """The recipe of a stage."""
    try:
        changed = overrides.merged(recipe, changes)
        recipe_lib.validate(changed)
    except UsageError as error:
        raise UsageError(f"stages.{name}: {error}") from None
    return changed
