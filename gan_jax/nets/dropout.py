"""Dropout that draws a quarter of the usual random bits."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError


def kept(key: jax.Array, rate: float, shape: tuple[int, ...]) -> jax.Array:
    """Draws the mask of dropout from 8 random bits a feature: on a CPU the bits are most of its cost.

    A byte alone allows 257 rates only. So the number of byte values that keep a feature is rounded at random
    to the whole number below or above, for each channel separately. Each feature is kept with a chance of
    exactly 1 - rate.

    Args:
        key: Random key.
        rate: Chance that a feature is dropped, in [0, 1).
        shape: Tuple of ints; the last is the number of channels.

    Returns:
        Bool array of this shape, True for features to keep.
    """
    key_of_bytes, key_of_rounding = jax.random.split(key)
    *outer, channels = shape
    words = jax.random.bits(key_of_bytes, (*outer, -(-channels // 4)), jnp.uint32)
    octets = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(*outer, -1)[..., :channels]
    limit = jnp.floor(256 * (1 - rate) + jax.random.uniform(key_of_rounding, (channels,)))
    return octets < limit.astype(jnp.int32)


class Dropout(nn.Module):
    """Sets features to zero at random and scales the others, so that their expectation stays.

    Srivastava et al. 2014, JMLR 15. As `flax.linen.Dropout`, with the draws of `kept`.

    Attributes:
        rate: Chance that a feature is dropped, in [0, 1).
        stream: The stream of random numbers: `noise` is there in evaluation too.
    """

    rate: float
    stream: str = "dropout"

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """[..., C] to the same shape; unchanged where `train` is False."""
        if not 0 <= self.rate < 1:
            raise UsageError(f"dropout={self.rate}: expected a rate in [0, 1)")
        if not train or not self.rate:
            return x
        mask = kept(self.make_rng(self.stream), self.rate, x.shape)
        return jnp.where(mask, x / (1 - self.rate), jnp.zeros((), x.dtype))
