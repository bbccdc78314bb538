"""Numbers that a degradation draws for each sample."""

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError


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
