"""Numbers that a degradation draws for each sample."""

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError

# Expected events below which their distribution is inverted.
_FEW = 10.0


def between(key: jax.Array, bounds: float | tuple) -> jax.Array:
    """A number, or one drawn evenly between two.

    Args:
        key: Random key.
        bounds: The number, or the pair (least, most).

    Returns:
        float32 [].
    """
    least, most = pair(bounds)
    return jax.random.uniform(key, (), minval=least, maxval=most) if most > least else jnp.float32(least)


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


def whole(key: jax.Array, bounds: tuple[int, int]) -> jax.Array:
    """A whole number drawn evenly from the least to the largest one.

    Args:
        key: Random key.
        bounds: The pair (least, most).

    Returns:
        int32 [].
    """
    return jax.random.randint(key, (), bounds[0], bounds[1] + 1)


def poisson(key: jax.Array, rate: jax.Array) -> jax.Array:
    """Numbers of events, many times faster than an exact sampler under `vmap`.

    Below a rate of 10 by inversion of the distribution, up to 40 events; above it by the Cornish-Fisher expansion of
    its quantiles to the second order (1938), rounded, with the mean and the variance of the distribution.

    Args:
        key: Random key.
        rate: Expected numbers, at least 0, of any shape.

    Returns:
        float32 of the same shape, whole numbers.
    """
    of_few, of_many = jax.random.split(key)
    low, level = jnp.minimum(rate, _FEW), jax.random.uniform(of_few, rate.shape)
    few, share = jnp.zeros_like(low), jnp.exp(-low)
    total = share
    for events in range(1, 41):
        few = few + (level > total)
        share = share * low / events
        total = total + share
    z = jax.random.normal(of_many, rate.shape)
    # Rounding and the square of z add a twelfth and an eighteenth to the variance.
    spread = jnp.sqrt(jnp.maximum(rate, _FEW) - 1 / 12 - 1 / 18)
    many = jnp.round(rate + spread * z + (z**2 - 1) / 6)
    return jnp.where(rate < _FEW, few, many)
