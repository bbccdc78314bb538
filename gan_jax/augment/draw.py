"""Random numbers per sample, matrices of them, and reflection at borders."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike


def chosen(key: jax.Array, p: ArrayLike, values: jax.Array, neutral: ArrayLike) -> jax.Array:
    """Each sample's value with probability p, else the neutral value, which leaves the sample unchanged.

    Args:
        key: Random key.
        p: Probability; 1 or more means always.
        values: [B, ...].
        neutral: Broadcasts against `values`.

    Returns:
        The shape of `values`.
    """
    mask = jax.random.uniform(key, values.shape[:1]) < p
    return jnp.where(mask.reshape(-1, *(1,) * (values.ndim - 1)), values, neutral)


def matrix(rows: Sequence[Sequence[ArrayLike]]) -> jax.Array:
    """Matrices [B, n, m] from n rows of m numbers or arrays [B]."""
    shape = np.broadcast_shapes(*(jnp.shape(entry) for row in rows for entry in row))
    return jnp.stack([jnp.stack([jnp.broadcast_to(e, shape) for e in row], -1) for row in rows], -2)


def reflected(index: np.ndarray, size: int) -> np.ndarray:
    """Folds integers into 0..size-1 by repeated reflection at the first and last pixel."""
    period = max(2 * (size - 1), 1)
    return size - 1 - np.abs(np.mod(index, period) - (size - 1))
