"""Noise."""

import jax
import jax.numpy as jnp

from gan_jax.degradations.draw import between, pair, poisson
from gan_jax.types import Degradation

# BT.601: the share of red, green and blue in the brightness.
LUMA = (0.299, 0.587, 0.114)


def gaussian_noise(*, deviation: float | tuple = 25.0, grey: float = 0.0) -> Degradation:
    """Independent normal noise in each value of the source.

    Zhang et al. 2017, arXiv:1608.03981, train on a deviation of 15, 25 or 50 and blindly on 0 to 55. Theirs is neither
    clipped nor rounded; here the source becomes 8 bits at the end of the chain, as a file has it.

    Args:
        deviation: Standard deviation in levels of 0 to 255, or a pair (least, most) between which one is drawn.
        grey: Probability that all channels of a sample get the same noise.

    Returns:
        The Degradation.

    Raises:
        UsageError: A negative deviation.
    """
    pair(deviation, "data.degrade.gaussian_noise.deviation")

    def apply(key: jax.Array, entries: dict) -> dict:
        keys, source = jax.random.split(key, 3), entries["source"]
        noise = jax.random.normal(keys[0], source.shape)
        noise = jnp.where(jax.random.bernoulli(keys[1], grey), noise[..., :1], noise)
        return {**entries, "source": source + between(keys[2], deviation) / 127.5 * noise}

    return Degradation(apply)


def poisson_noise(*, scale: float | tuple = 1.0, grey: float = 0.0) -> Degradation:
    """Shot noise: each level is a count of photons.

    As in Wang et al. 2021, arXiv:2107.10833, section 3.1, a white pixel counts as many as the image has levels, rounded up
    to a power of 2, so that the variance is proportional to the brightness.

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
        keys, source = jax.random.split(key, 4), entries["source"]
        levels = jnp.clip(jnp.round((source + 1) * 127.5), 0, 255)
        noise = _shot_noise(keys[0], levels)
        if grey and source.shape[-1] == 3:
            alike = _shot_noise(keys[1], jnp.round(levels @ jnp.array(LUMA))[..., None])
            noise = jnp.where(jax.random.bernoulli(keys[2], grey), alike, noise)
        return {**entries, "source": source + between(keys[3], scale) * noise / 127.5}

    return Degradation(apply)


def _shot_noise(key, levels):
    """The noise of levels 0 to 255, in levels."""
    seen = jnp.zeros(256).at[levels.astype(jnp.int32)].set(1)
    photons = 2 ** jnp.ceil(jnp.log2(jnp.sum(seen))) / 255
    return poisson(key, levels * photons) / photons - levels
