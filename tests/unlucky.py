"""A loss that diverges now and then, for tests of rollbacks; runs that tests start name it by its path."""

import jax
import jax.numpy as jnp


def unlucky(step, key, *, steps=(7, 12), shares=(0.75, 0.5)):
    """Infinite at some steps, for a share of random numbers each: by default three in four, and one in two.

    Args:
        step: Steps taken so far.
        key: Random key of the move.
        steps: Where it may happen.
        shares: How likely it is there, in [0, 1].

    Returns:
        float32 scalar, infinity or 0.
    """
    likely = jnp.sum(jnp.where(step == jnp.array(steps), jnp.array(shares), 0.0))
    return jnp.where(jax.random.uniform(key) < likely, jnp.inf, 0.0)
