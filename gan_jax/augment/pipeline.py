"""ADA's pipeline of augmentations, with a probability that adapts or is scheduled."""

import functools

import jax
import jax.numpy as jnp

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
    """All augmentations in the paper's order; each happens with its multiplier times p, 0 leaves it out."""
    keys = jax.random.split(key, 6)
    if blit or geometry:
        inverse = blit_pixels(keys[0], images.shape, blit * p)
        moved = transform(keys[1], images.shape, geometry * p)
        images = resample(images, compose(inverse, moved))
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
    target=0.6,
    images=500_000,
    every=4,
    start=0.0,
    blit=1.0,
    geometry=1.0,
    color=1.0,
    image_filter=0.0,
    noise=0.0,
    cutout=0.0,
):
    """ADA: every augmentation with a probability p that follows how far the discriminator overfits.

    Karras et al. 2020, arXiv:2006.06676, section 3 and appendix B. The defaults are its `bgc`; all
    multipliers at 1 are its `bgcfnc`. Its code lets p grow beyond 1; here p stays in [0, 1].

    Args:
        target: Mean sign of the logits of real images that is kept, in [-1, 1].
        images: Real images in which p may go from 0 to 1.
        every: Discriminator's moves between changes of p.
        start: p before the first move.
        blit: Times p is the probability of flips, quarter turns and moves by whole pixels, each.
        geometry: Of scaling, rotation, stretching and moves by fractions of a pixel.
        color: Of brightness, contrast, luma flip, hue and saturation.
        image_filter: Of each frequency band's amplification.
        noise: Of additive noise.
        cutout: Of cutout.

    Returns:
        The Augment; its carry is that of `adapt_probability`, p among it.

    Raises:
        UsageError: A negative multiplier, a target or start out of range, no images or moves.
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
        apply=lambda carry, key, shown, step: pipeline(key, shown, carry["p"]),
        adapt=functools.partial(adapt_probability, target=target, images=images, every=every),
    )


def scheduled(*, p=1.0, blit=1.0, geometry=1.0, color=1.0, image_filter=0.0, noise=0.0, cutout=0.0):
    """ADA's pipeline with a probability that is given, as a number or a function of the step.

    Karras et al. 2020, arXiv:2006.06676, appendix B. R3GAN (Huang et al. 2024, arXiv:2501.05441)
    schedules p, with `color=0.5` and `cutout=1.0`.

    Args:
        p: Probability in [0, 1], or an optax schedule of it; beyond that range it is clipped.
        blit: Times p is the probability of flips, quarter turns and moves by whole pixels, each.
        geometry: Of scaling, rotation, stretching and moves by fractions of a pixel.
        color: Of brightness, contrast, luma flip, hue and saturation.
        image_filter: Of each frequency band's amplification.
        noise: Of additive noise.
        cutout: Of cutout.

    Returns:
        The Augment.

    Raises:
        UsageError: A negative multiplier, or a number p out of range.
    """
    if not callable(p) and not 0 <= p <= 1:
        raise UsageError(f"scheduled(p={p}): expected a probability in [0, 1] or a schedule of it")
    pipeline = _with_multipliers(
        blit=blit, geometry=geometry, color=color, image_filter=image_filter, noise=noise, cutout=cutout
    )
    return stateless(
        lambda key, images, step: pipeline(key, images, jnp.clip(p(step) if callable(p) else p, 0.0, 1.0))
    )
