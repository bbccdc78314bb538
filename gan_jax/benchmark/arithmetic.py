"""A recipe's numbers without JAX, for peers: sizes of networks, schedules, and the average's decay."""

import math
from collections.abc import Sequence
from typing import Any

from gan_jax.recipe import Recipe


def halvings(resolution: int) -> int:
    """The number of times that networks halve an image: until its size is odd or at most 7 pixels.

    Args:
        resolution: Height and width, pixels.

    Returns:
        Number of halvings.
    """
    count = 0
    while resolution > 7 and resolution % 2 == 0:
        resolution, count = resolution // 2, count + 1
    return count


def halved(resolution: int) -> list[int]:
    """Sizes after each of SNGAN's four blocks below 48 pixels: the first two halve an even size above 4.

    Args:
        resolution: Height and width, pixels.

    Returns:
        List of heights and widths, pixels.
    """
    sizes: list[int] = []
    while resolution > 4 and resolution % 2 == 0 and len(sizes) < 2:
        resolution //= 2
        sizes.append(resolution)
    return sizes + [resolution] * (4 - len(sizes))


def stages(resolution: int, widths: Sequence[int]) -> list[int]:
    """R3GAN's channels from the image inwards, one number for each size of the image.

    Args:
        resolution: Height and width, pixels.
        widths: Channels from the image inwards; all further stages have the last number.

    Returns:
        List of ints.
    """
    count = halvings(resolution) + 1
    return [*widths, *[widths[-1]] * count][:count]


def latents(recipe: Recipe) -> tuple[str, int]:
    """The distribution of a recipe's latents and their size."""
    return recipe.game["latents"]["name"], recipe.game["latents"]["size"]


def at(spec: Any, step: int) -> float:
    """The value of a recipe's number or schedule in a step.

    Args:
        spec: A number, `dict(weight=...)` of one, or `dict(cosine_decay_schedule=...)` with `init_value`,
            `decay_steps` and `alpha`.
        step: Steps taken so far.

    Returns:
        The number.
    """
    if not isinstance(spec, dict):
        return spec
    if "weight" in spec:
        return at(spec["weight"], step)
    options = spec["cosine_decay_schedule"]
    share = min(step / options["decay_steps"], 1.0)
    falling = 0.5 * (1.0 + math.cos(math.pi * share))
    return options["init_value"] * ((1.0 - options["alpha"]) * falling + options["alpha"])


def average_decay(recipe: Recipe, step: int) -> float:
    """Decay of the generator's average, as `gan_jax.step.average_decay` computes it.

    Args:
        recipe: The Recipe, with `average` of the generator.
        step: Steps before this one.

    Returns:
        A number in [0, 1).
    """
    images, options = recipe.samples_per_step, recipe.average["generator"]
    half_life = min(options["half_life"], options["ramp_up"] * (step + 1) * images)
    return 0.5 ** (images / max(half_life, 1e-8))


def adam(recipe: Recipe, player: str) -> dict[str, Any]:
    """Adam's hyperparameters of a player: `learning_rate` (may be a schedule), `b1`, `b2` and `eps`."""
    return {"b1": 0.9, "b2": 0.999, "eps": 1e-8, **recipe.optimizers[player]["adam"]}


def rivalry(recipe: Recipe) -> str:
    """The family of a recipe's losses: `hinge` for `hinge_discriminator` against `hinge_generator`."""
    return next(iter(recipe.losses["discriminator"])).removesuffix("_discriminator")
