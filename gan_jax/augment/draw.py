"""Random numbers per sample, and matrices made of them."""

import jax
import jax.numpy as jnp
import numpy as np


def chosen(key, p, drawn, neutral):
    """Each sample's drawn value with probability p, else the neutral one, which changes nothing.

    Args:
        key: Random key.
        p: Probability; at least 1 is always.
        drawn: [B, ...].
        neutral: Broadcasts against `drawn`.

    Returns:
        The shape of `drawn`.
    """
    taken = jax.random.uniform(key, drawn.shape[:1]) < p
    return jnp.where(taken.reshape(-1, *(1,) * (drawn.ndim - 1)), drawn, neutral)


def matrix(rows):
    """Matrices [B, n, m] from n rows of m numbers or arrays [B]."""
    shape = np.broadcast_shapes(*(jnp.shape(entry) for row in rows for entry in row))
    return jnp.stack([jnp.stack([jnp.broadcast_to(e, shape) for e in row], -1) for row in rows], -2)


def reflected(index, size):
    """Folds integers into 0..size-1 by reflection at the first and last pixel, as often as it takes."""
    period = max(2 * (size - 1), 1)
    return size - 1 - np.abs(np.mod(index, period) - (size - 1))
