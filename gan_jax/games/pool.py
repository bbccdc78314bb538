"""A pool of past fakes, which a discriminator sees besides new ones."""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.accumulation import InSequence
from gan_jax.errors import UsageError


class Pool(InSequence):
    """Past fakes, as arrays only.

    Attributes:
        samples: Float32 [size, ...]; zeros where there are none yet.
        filled: How many there are, int32; they come first.
    """

    samples: Any
    filled: Any


def empty(size: int, sample: jax.Array) -> Pool:
    """A pool without samples.

    Args:
        size: Number of samples that it can hold, at least 1.
        sample: One sample; its values do not matter.

    Returns:
        The Pool.
    """
    return Pool(jnp.zeros((size, *sample.shape), sample.dtype), jnp.zeros((), jnp.int32))


def exchange(pool: Pool, new: jax.Array, key: jax.Array) -> tuple[jax.Array, Pool]:
    """New fakes, half of them exchanged for past ones, which they replace in the pool.

    Shrivastava et al. 2016, arXiv:1612.07828, section 2.3, as Zhu et al. 2017, arXiv:1703.10593, use it:
    while the pool is not full it takes in every fake, which is also returned. From then on, with probability
    a half, a fake takes the place of a random one, which is returned; else it is returned itself and not
    kept. The fakes of a batch come one after the other, except that those that are exchanged go to different
    places.

    Args:
        pool: The Pool.
        new: Samples [B, ...], B at most the pool's size.
        key: Random key.

    Returns:
        Samples [B, ...] for the discriminator, without gradients, and the Pool after that.

    Raises:
        UsageError: The batch is larger than the pool.
    """
    size, count, new = len(pool.samples), len(new), jax.lax.stop_gradient(new)
    if count > size:
        raise UsageError(
            f"game.pool={size}: expected at least {count}, the samples of a batch, or 0 for none"
        )
    coins, places = jax.random.split(key)
    order = pool.filled + jnp.arange(count)
    taken = jax.random.permutation(places, size)[:count]
    swapped = (order >= size) & jax.random.bernoulli(coins, 0.5, (count,))
    # A place out of range is no place. Fakes that fill the pool come before those that are exchanged.
    samples = pool.samples.at[order].set(new, mode="drop")
    past = jnp.where(jnp.expand_dims(swapped, tuple(range(1, new.ndim))), samples[taken], new)
    samples = samples.at[jnp.where(swapped, taken, size)].set(new, mode="drop")
    return past, Pool(samples, jnp.minimum(pool.filled + count, size))
