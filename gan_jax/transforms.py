"""Gradient transforms that optax does not have, for use in any optax chain."""

import jax
import jax.numpy as jnp
import optax


def clip_weights(max_value=0.01):
    """Keeps every parameter in [-max_value, max_value] after the update; stands last in a chain.

    Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1, line 7.

    Args:
        max_value: Largest absolute value of a parameter, above 0.

    Returns:
        An optax.GradientTransformation whose update needs `params`.
    """

    def update(updates, state, params):
        clipped = jax.tree.map(lambda p, u: jnp.clip(p + u, -max_value, max_value) - p, params, updates)
        return clipped, state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
