"""ADA's pipeline of augmentations, with a probability that adapts or is scheduled."""

import functools
from typing import Callable

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gan_jax.augment.chain import stateless
from gan_jax.augment.color import color as change_color
from gan_jax.augment.corruption import cutout as cut_out
from gan_jax.augment.corruption import image_filter as filter_bands
from gan_jax.augment.corruption import noise as add_noise
from gan_jax.augment.geometry import blit as blit_pixels
from gan_jax.augment.geometry import compose, resample, transform
from gan_jax.augment.probability import adapt_probability, start_probability
from gan_jax.errors import UsageError
from gan_jax.types import Augment


def _pipeline(key, images, p, *, blit, geometry, color, image_filter, noise, cutout):
    """All augmentations in the paper's order, each with probability multiplier * p; 0 leaves it out."""
    keys = jax.random.split(key, 6)
    if blit or geometry:
        inverse = blit_pixels(keys[0], images.shape, blit * p)
        images = resample(images, compose(inverse, transform(keys[1], images.shape, geometry * p)))
    for multiplier, change, change_key in (
        (color, change_color, keys[2]),
        (image_filter, filter_bands, keys[3]),
        (noise, add_noise, keys[4]),
        (cutout, cut_out, keys[5]),
    ):
        if multiplier:
            images = change(change_key, images, multiplier * p)
    return images


def _with_multipliers(**multipliers):
    """The pipeline as a function of key, images and p."""
    for name, value in multipliers.items():
        if value < 0:
            raise UsageError(f"augmentation's {name}={value}: expected a multiplier of at least 0")
    return functools.partial(_pipeline, **multipliers)


def adaptive(
    *,
    target: float = 0.6,
    images: int = 500_000,
    every: int = 4,
    start: float = 0.0,
    blit: float = 1.0,
    geometry: float = 1.0,
    color: float = 1.0,
    image_filter: float = 0.0,
    noise: float = 0.0,
    cutout: float = 0.0,
) -> Augment:
    """ADA: augmentations with a probability p that rises as the discriminator overfits.

    Karras et al. 2020, arXiv:2006.06676, section 3 and appendix B. The defaults are its `bgc`; all
    multipliers at 1 are its `bgcfnc`. Its code lets p grow beyond 1; here p stays in [0, 1].

    Args:
        target: Mean sign of the logits of real images to keep, in [-1, 1].
        images: Real images in which p may go from 0 to 1.
        every: Moves of the discriminator between changes of p.
        start: p before the first move.
        blit: Multiplier of p for flips, rotations by 90 degrees and moves by whole pixels, each.
        geometry: For scaling, rotation, stretching and moves by fractions of a pixel.
        color: For brightness, contrast, luma flip, hue and saturation.
        image_filter: For each frequency band's amplification.
        noise: For additive noise.
        cutout: For cutout.

    Returns:
        The Augment; its carry is that of `adapt_probability`, which includes p.

    Raises:
        UsageError: A multiplier is negative, `target` or `start` is out of range, or `images` or `every` is
            below 1.
    """
    if not -1 <= target <= 1 or images < 1 or every < 1:
        raise UsageError(
            f"adaptive(target={target}, images={images}, every={every}): "
            "expected a target in [-1, 1], images and every of at least 1"
        )
    start_probability(start)
    pipeline = _with_multipliers(
        blit=blit, geometry=geometry, color=color, image_filter=image_filter, noise=noise, cutout=cutout
    )
    return Augment(
        init=lambda: start_probability(start),
        apply=lambda carry, key, batch, step: pipeline(key, batch, carry["p"]),
        adapt=functools.partial(adapt_probability, target=target, images=images, every=every),
    )


def scheduled(
    *,
    p: float | Callable[..., ArrayLike] = 1.0,
    blit: float = 1.0,
    geometry: float = 1.0,
    color: float = 1.0,
    image_filter: float = 0.0,
    noise: float = 0.0,
    cutout: float = 0.0,
) -> Augment:
    """ADA's pipeline with a probability that is a number or a function of the step.

    Karras et al. 2020, arXiv:2006.06676, appendix B. R3GAN (Huang et al. 2024, arXiv:2501.05441)
    schedules p, with `color=0.5` and `cutout=1.0`.

    Args:
        p: Probability in [0, 1], or an optax schedule of it, which is clipped to that range.
        blit: Multiplier of p for flips, rotations by 90 degrees and moves by whole pixels, each.
        geometry: For scaling, rotation, stretching and moves by fractions of a pixel.
        color: For brightness, contrast, luma flip, hue and saturation.
        image_filter: For each frequency band's amplification.
        noise: For additive noise.
        cutout: For cutout.

    Returns:
        The Augment.

    Raises:
        UsageError: A multiplier is negative, or the number p is out of range.
    """
    if not callable(p) and not 0 <= p <= 1:
        raise UsageError(f"scheduled(p={p}): expected a probability in [0, 1] or a schedule of it")
    pipeline = _with_multipliers(
        blit=blit, geometry=geometry, color=color, image_filter=image_filter, noise=noise, cutout=cutout
    )
    return stateless(
        lambda key, images, step: pipeline(key, images, jnp.clip(p(step) if callable(p) else p, 0.0, 1.0))
    )
