"""Distributions of the generator's input: `(key, count) -> latents` once the size is bound."""

import jax


def normal(key, count, *, size=128):
    """Standard normal latents.

    Args:
        key: Random key.
        count: Number of latents.
        size: Dimensions of each.

    Returns:
        float32 [count, size].
    """
    return jax.random.normal(key, (count, size))


def uniform(key, count, *, size=100):
    """Latents uniform in [-1, 1], as in Radford et al. 2016, arXiv:1511.06434, section 4.

    Args:
        key: Random key.
        count: Number of latents.
        size: Dimensions of each.

    Returns:
        float32 [count, size] in [-1, 1).
    """
    return jax.random.uniform(key, (count, size), minval=-1.0, maxval=1.0)
