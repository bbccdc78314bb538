"""Diagnostics of games that turn a `source` into samples: colours, copies, known pixels, and cycles.

All images are float32 in [-1, 1]. Numbers whose inputs a game does not have are left out.
"""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.metrics.cycle_error import disturbed
from gan_jax.types import Game

# Red, green and blue in luma; ITU-R BT.601.
_LUMA = (0.299, 0.587, 0.114)


def numbers(
    game: Game, params: Any, carry: Any, outputs: dict, batch: dict, key: jax.Array
) -> dict[str, jax.Array]:
    """All numbers of a game that translates images.

    Args:
        game: The Game.
        params: Parameters by player, to sample from.
        carry: Carry by player.
        outputs: What `game.play` offers.
        batch: Decoded rows by name, arrays [B, ...], B at least 2.
        key: Random key.

    Returns:
        Float32 scalars by name, as `colours`, `change`, `known_error` and `cycle` name them. Empty if samples
        are not made of images.
    """
    source, real = batch.get("source"), batch["real"]
    if "source" not in game.conditions or source is None or source.ndim != 4:
        return {}
    fake = game.sample(params, carry, None, batch, key)
    found = {**colours(source, fake, real), **change(source, fake, real), **known_error(outputs)}
    if game.backward is None:
        return found
    backward = game.backward

    def back(images):
        return backward(params, carry, None, {**batch, "real": images}, key)

    return {**found, **cycle(source, fake, back, key)}


def colours(source: jax.Array, fake: jax.Array, real: jax.Array) -> dict[str, jax.Array]:
    """Whether samples have the light and the colours that they should have.

    Args:
        source: What the samples are made of, [B, h, w, any number].
        fake: Samples, [B, H, W, C].
        real: Samples of the target domain, [B, H, W, C]; of paired data the targets.

    Returns:
        `luma_correlation`: between the luma of a source and of its sample, over pixels, mean over samples;
        `target_luma_correlation`: the same of the source and the real row beside it;
        `colour_shift`: the largest difference of a channel's mean between samples and real rows;
        `chance_shift`: the deviation that it would have if these were two draws of one kind of images.
    """
    means = [jnp.mean(images, axis=(1, 2)) for images in (fake, real)]
    variances = [jnp.var(mean, axis=0, ddof=1) / len(mean) for mean in means]
    return {
        "luma_correlation": _correlation(source, fake),
        "target_luma_correlation": _correlation(source, real),
        "colour_shift": jnp.max(jnp.abs(jnp.mean(means[0] - means[1], axis=0))),
        "chance_shift": jnp.max(jnp.sqrt(variances[0] + variances[1])),
    }


def _correlation(left, right):
    """Mean over images of the correlation of two images' luma; 0 where one of them is flat."""
    left = jax.image.resize(_luma(left), right.shape[:3], "linear")
    left, right = (each - jnp.mean(each, axis=(1, 2), keepdims=True) for each in (left, _luma(right)))
    product, *squares = (
        jnp.sum(a * b, axis=(1, 2)) for a, b in ((left, right), (left, left), (right, right))
    )
    return jnp.mean(product / jnp.sqrt(squares[0] * squares[1] + 1e-12))


def _luma(images):
    """Light of pixels, [B, H, W]: of three channels the luma, else their mean."""
    weights = _LUMA if images.shape[-1] == 3 else (1 / images.shape[-1],) * images.shape[-1]
    return jnp.sum(jnp.float32(images) * jnp.array(weights), axis=-1)


def change(source: jax.Array, fake: jax.Array, real: jax.Array) -> dict[str, jax.Array]:
    """How much samples differ from their sources.

    Args:
        source: What the samples are made of.
        fake: Samples, [B, H, W, C].
        real: Real rows, of the same shape.

    Returns:
        `change`: mean absolute difference of samples from their sources, over that of the real rows from
        them: 0 where the output is the input. Empty for sources of another shape.
    """
    if source.shape != fake.shape:
        return {}
    return {"change": jnp.mean(jnp.abs(fake - source)) / jnp.maximum(jnp.mean(jnp.abs(real - source)), 1e-6)}


def known_error(outputs: dict) -> dict[str, jax.Array]:
    """How far fakes are from the real image where the source shows it.

    Args:
        outputs: What the game offers: `mask`, 1 in the hole, `fake`, what the discriminator sees, and
            `target`.

    Returns:
        `known_error`: mean absolute difference over known pixels. Empty without a mask.
    """
    if not {"mask", "fake", "target"} <= set(outputs):
        return {}
    known = jnp.broadcast_to(1 - outputs["mask"], outputs["fake"].shape)
    wrong = known * jnp.abs(outputs["fake"] - outputs["target"])
    return {"known_error": jnp.sum(wrong) / jnp.maximum(jnp.sum(known), 1.0)}


def cycle(source: jax.Array, fake: jax.Array, back: Any, key: jax.Array) -> dict[str, jax.Array]:
    """Whether the way back needs more of a sample than can be seen in it.

    Chu et al. 2017, arXiv:1712.02950: a cycle may hide the source in an imperceptible pattern of the sample.

    Args:
        source: What the samples are made of, [B, h, w, c].
        fake: Samples, [B, H, W, C].
        back: Function from samples to images like the source.
        key: Random key of the noise.

    Returns:
        `cycle_error`: mean absolute difference of the source and the sample translated back;
        `cycle_error_after_rounding`: the same after `disturbed`;
        `rounding_change`: mean absolute change that this has made of the sample.
    """
    changed = disturbed(fake, key)
    errors = [jnp.mean(jnp.abs(back(images) - source)) for images in (fake, changed)]
    return {
        "cycle_error": errors[0],
        "cycle_error_after_rounding": errors[1],
        "rounding_change": jnp.mean(jnp.abs(changed - fake)),
    }
