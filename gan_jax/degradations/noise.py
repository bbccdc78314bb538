"""Noise."""

import jax
import jax.numpy as jnp

from gan_jax.degradations import draw
from gan_jax.degradations.draw import between, pair
from gan_jax.types import Degradation

# BT.601: the share of red, green and blue in the brightness.
LUMA = (0.299, 0.587, 0.114)


def gaussian_noise(*, deviation: float | tuple = 25.0, grey: float = 0.0) -> Degradation:
    """Independent normal noise in each value of the source.

    Zhang et al. 2017, arXiv:1608.03981, train on a deviation of 15, 25 or 50 and blindly on 0 to 55. Theirs
    is neither clipped nor rounded; here the source becomes 8 bits at the end of the chain, as a file has it.

    Args:
        deviation: Standard deviation in levels of 0 to 255, or a pair (least, most) between which one is
            drawn.
        grey: Probability that all channels of a sample get the same noise.

    Returns:
        The Degradation.

    Raises:
        UsageError: A negative deviation.
    """
    pair(deviation, "data.degrade.gaussian_noise.deviation")

    def apply(key: jax.Array, entries: dict) -> dict:
        of_pixels, of_sample = jax.random.split(key)
        u, (kind, strength) = draw.uniform(of_pixels, *entries["source"].shape), draw.uniform(of_sample, 2)
        noise = normal_noise(u, kind < grey)
        return {**entries, "source": entries["source"] + between(strength, deviation) / 127.5 * noise}

    return Degradation(apply)


def normal_noise(u: jax.Array, grey: jax.Array) -> jax.Array:
    """Standard normal noise.

    Args:
        u: Uniform numbers [H, W, C].
        grey: Whether all channels get the same, bool [].

    Returns:
        float32 [H, W, C].
    """
    return draw.normal(jnp.where(grey, u[..., :1], u))


def poisson_noise(*, scale: float | tuple = 1.0, grey: float = 0.0) -> Degradation:
    """Shot noise: each level is a count of photons.

    As in Wang et al. 2021, arXiv:2107.10833, section 3.1, a white pixel counts as many as the image has
    levels, rounded up to a power of 2, so that the variance is proportional to the brightness.

    Args:
        scale: Factor of the noise, or a pair (least, most) between which one is drawn.
        grey: Probability that all channels of a sample get the noise of their brightness (BT.601).

    Returns:
        The Degradation.

    Raises:
        UsageError: A negative scale.
    """
    pair(scale, "data.degrade.poisson_noise.scale")

    def apply(key: jax.Array, entries: dict) -> dict:
        of_pixels, of_sample = jax.random.split(key)
        u, (kind, strength) = draw.uniform(of_pixels, *entries["source"].shape), draw.uniform(of_sample, 2)
        noise = shot_noise(u, entries["source"], kind < grey)
        return {**entries, "source": entries["source"] + between(strength, scale) * noise}

    return Degradation(apply)


def shot_noise(u: jax.Array, image: jax.Array, grey: jax.Array) -> jax.Array:
    """The noise of counted photons.

    Args:
        u: Uniform numbers [H, W, C].
        image: float32 [H, W, C] in [-1, 1].
        grey: Whether all channels get the noise of their brightness, bool [].

    Returns:
        float32 [H, W, C], in the units of the image.
    """
    levels = jnp.clip(jnp.round((image + 1) * 127.5), 0, 255)
    if image.shape[-1] == 3:
        bright = jnp.round(jnp.sum(levels * jnp.array(LUMA), axis=-1, keepdims=True))
        levels, u = jnp.where(grey, bright, levels), jnp.where(grey, u[..., :1], u)
    seen = jnp.zeros(256).at[levels.astype(jnp.int32)].set(1)
    photons = 2 ** jnp.ceil(jnp.log2(jnp.sum(seen))) / 255
    return (draw.poisson(u, levels * photons) / photons - levels) / 127.5
