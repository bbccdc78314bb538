"""Layers over a whole batch or a whole image."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.nets.convolution import Conv
from gan_jax.nets.resampling import max_pool


def pixel_norm(x: jax.Array, epsilon: float = 1e-8) -> jax.Array:
    """Every vector of channels with a mean square of 1.

    Karras et al. 2018, arXiv:1710.10196, section 4.2. The mean is not subtracted.

    Args:
        x: [..., C].
        epsilon: Added to mean squares.

    Returns:
        The same shape and type.
    """
    squares = jnp.mean(jnp.square(x.astype(jnp.float32)), axis=-1, keepdims=True)
    return (x * jax.lax.rsqrt(squares + epsilon)).astype(x.dtype)


class MinibatchStandardDeviation(nn.Module):
    """Appends channels with the standard deviation over a group of samples, averaged over pixels.

    Karras et al. 2018, arXiv:1710.10196, section 3. The paper takes the whole batch as one group; groups of
    4, and several channels, are those of its code and of StyleGAN2 (arXiv:1912.04958). Samples i,
    i + B / group, i + 2 B / group, ... are one group.

    Attributes:
        group_size: Samples per group, a divisor of the batch; the whole batch if that is smaller.
        features: Number of appended channels, each over its share of the channels; a divisor of their number.
    """

    group_size: int = 4
    features: int = 1

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, C] to [B, H, W, C + features]."""
        batch, height, width, channels = x.shape
        group = min(self.group_size, batch)
        if batch % group or channels % self.features:
            raise UsageError(
                f"MinibatchStandardDeviation(group_size={self.group_size}, features={self.features}): "
                f"do not divide the batch of {batch} and the {channels} channels"
            )
        split = jnp.float32(x).reshape(group, batch // group, height, width, self.features, -1)
        # The epsilon inside the root keeps the derivative finite where a group's samples are equal.
        deviation = jnp.mean(jnp.sqrt(jnp.var(split, axis=0) + 1e-8), axis=(1, 2, 4))
        each = jnp.tile(deviation, (group, 1))[:, None, None, :].astype(x.dtype)
        each = jnp.broadcast_to(each, (batch, height, width, self.features))
        return jnp.concatenate([x, each], axis=-1)


class MinibatchDiscrimination(nn.Module):
    """Appends the closeness of each sample to all of the batch, in learned projections.

    Salimans et al. 2016, arXiv:1606.03498, section 3.2: the sum over the batch, the sample itself included,
    of exp(-|M_i - M_j|_1), for each of the projections M.

    Attributes:
        projections: Number of projections, the paper's B.
        size: Dimensions of each, the paper's C.
        kernel_init: Initializer of the kernel [A, projections * size].
    """

    projections: int = 100
    size: int = 5
    kernel_init: Callable[..., Any] = nn.initializers.normal(0.05)

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, A] to [B, A + projections]."""
        kernel = self.param("kernel", self.kernel_init, (x.shape[-1], self.projections * self.size))
        projected = jnp.float32(x @ kernel.astype(x.dtype)).reshape(-1, self.projections, self.size)
        distance = jnp.sum(jnp.abs(projected[:, None] - projected[None]), axis=-1)
        closeness = jnp.sum(jnp.exp(-distance), axis=1)
        return jnp.concatenate([x, closeness.astype(x.dtype)], axis=-1)


class SelfAttention(nn.Module):
    """Adds to each pixel a weighted sum over the whole image; it starts as the identity.

    Zhang et al. 2018, arXiv:1805.08318, section 3 (SAGAN): the softmax of the products of queries and keys,
    without a scale, weights the values, and a gain that starts at 0 weights the result. Queries and keys
    have an eighth of the channels. Values have half of them, and keys and values are the maxima of squares
    of two by two pixels, as in the authors' code; the paper's text has an eighth and every pixel. No layer
    has a bias.

    Attributes:
        kernel_init: Initializer of the kernels [1, 1, I, O].
    """

    kernel_init: Callable[..., Any] = nn.initializers.glorot_uniform()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, C], H and W at least 2, to the same shape."""
        batch, height, width, channels = x.shape
        if min(height, width) < 2:
            raise UsageError(f"SelfAttention: images of {height} x {width}, expected at least 2 x 2 pixels")

        def project(x: jax.Array, features: int, name: str) -> jax.Array:
            return Conv(max(features, 1), (1, 1), use_bias=False, kernel_init=self.kernel_init, name=name)(x)

        def flat(x: jax.Array) -> jax.Array:
            return x.reshape(batch, -1, x.shape[-1])

        query = flat(project(x, channels // 8, "query"))
        key = flat(max_pool(project(x, channels // 8, "key")))
        value = flat(max_pool(project(x, channels // 2, "value")))
        weights = jax.nn.softmax(jnp.float32(jnp.einsum("bqc,bkc->bqk", query, key))).astype(x.dtype)
        gathered = jnp.einsum("bqk,bkc->bqc", weights, value).reshape(batch, height, width, -1)
        gain = self.param("gain", nn.initializers.zeros, ()).astype(x.dtype)
        return x + gain * project(gathered, channels, "output")
