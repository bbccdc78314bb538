"""Numbers that a degradation draws for each sample, all from a few uniform ones.

A draw of random bits takes long to compile and little time to run, so a degradation makes one for all its
numbers.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError

# Expected events below which their distribution is inverted, and the largest number of them there.
_FEW, _MOST = 4.0, 20


def uniform(key: jax.Array, *shape: int) -> jax.Array:
    """Uniform numbers.

    Args:
        key: Random key.
        *shape: Their shape.

    Returns:
        float32 [*shape], in (0, 1).
    """
    return jax.random.uniform(key, shape, minval=jnp.finfo(jnp.float32).tiny)


def between(u: jax.typing.ArrayLike, bounds: float | tuple) -> jax.Array:
    """Numbers evenly between two.

    Args:
        u: Uniform numbers.
        bounds: A number, or the pair (least, most).

    Returns:
        float32 of the shape of u.
    """
    least, most = pair(bounds)
    return least + jnp.asarray(u) * (most - least)


def pair(bounds: float | tuple, name: str = "") -> tuple[float, float]:
    """A number, or the least and the largest one, as a pair.

    Args:
        bounds: The number, or the pair (least, most).
        name: Of the hyperparameter, for the message.

    Returns:
        The pair.

    Raises:
        UsageError: Neither, or the least one is negative or larger than the other.
    """
    numbers = tuple(bounds) if isinstance(bounds, (tuple, list)) else (bounds, bounds)
    if len(numbers) != 2 or not 0 <= numbers[0] <= numbers[1]:
        raise UsageError(
            f"{name}={bounds!r}: expected a number of at least 0, or a pair (least, most) of them"
        )
    return numbers


def whole(u: jax.Array, least: Any, most: Any) -> jax.Array:
    """Whole numbers evenly from the least to the largest one.

    Args:
        u: Uniform numbers.
        least: The least.
        most: The largest.

    Returns:
        int32 of the shape of u.
    """
    return jnp.minimum(least + jnp.floor(u * (most - least + 1)), most).astype(jnp.int32)


def chosen(u: jax.Array, shares: Sequence[float]) -> jax.Array:
    """Numbers of what is chosen with given probabilities.

    Args:
        u: Uniform numbers.
        shares: The probabilities, or multiples of them.

    Returns:
        int32 of the shape of u.
    """
    limits = jnp.cumsum(jnp.array(shares)) / sum(shares)
    return jnp.sum(u[..., None] >= limits[:-1], axis=-1)


def normal(u: jax.Array) -> jax.Array:
    """Standard normal numbers.

    Args:
        u: Uniform numbers.

    Returns:
        float32 of the shape of u.
    """
    return jnp.sqrt(2.0) * jax.lax.erf_inv(2 * u - 1)


def poisson(u: jax.Array, rate: jax.Array) -> jax.Array:
    """Numbers of events, many times faster than an exact sampler under `vmap`.

    Below a rate of 4 by inversion of the distribution, up to 20 events; above it by the Cornish-Fisher
    expansion of its quantiles to the second order (1938), rounded, with the mean and the variance of the
    distribution.

    Args:
        u: Uniform numbers.
        rate: Expected numbers, at least 0, of the shape of u.

    Returns:
        float32 of the same shape, whole numbers.
    """
    low = jnp.minimum(rate, _FEW)
    few, share = jnp.zeros_like(low), jnp.exp(-low)
    total = share
    for events in range(1, _MOST + 1):
        few = few + (u > total)
        share = share * low / events
        total = total + share
    z = normal(u)
    # Rounding and the square of z add a twelfth and an eighteenth to the variance.
    spread = jnp.sqrt(jnp.maximum(rate, _FEW) - 1 / 12 - 1 / 18)
    many = jnp.maximum(jnp.round(rate + spread * z + (z**2 - 1) / 6), 0)
    return jnp.where(rate < _FEW, few, many)
