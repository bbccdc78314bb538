"""Batch norm whose forward pass XLA merges where a step computes it twice."""

from typing import Any, Callable

import flax.linen as nn
import jax
import jax.numpy as jnp


class BatchNorm(nn.Module):
    """Ioffe and Szegedy 2015, arXiv:1502.03167, over all axes but the last; statistics are in float32.

    Parameters, statistics and numbers are those of `flax.linen.BatchNorm`. Flax reshapes the variance to the
    input's rank before the root; XLA moves this reshape where gradients follow. Then XLA does not see that
    the players' moves need the same samples of a generator, and computes them twice.

    Attributes:
        use_running_average: Whether to normalise by the running statistics, without an update of them.
        momentum: Weight of the past in running statistics, in [0, 1).
        epsilon: Added to variances.
        use_scale: Whether to learn a gain for each channel.
        use_bias: Whether to learn an offset for each channel.
        scale_init: Initializer of the gains.
    """

    use_running_average: bool
    momentum: float
    epsilon: float
    use_scale: bool = True
    use_bias: bool = True
    scale_init: Callable[..., Any] = nn.initializers.ones

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., C] to the same shape and dtype."""
        channels = x.shape[-1:]
        mean = self.variable("batch_stats", "mean", jnp.zeros, channels)
        variance = self.variable("batch_stats", "var", jnp.ones, channels)
        if self.use_running_average:
            used = mean.value, variance.value
        else:
            used = moments(x)
            if not self.is_initializing():
                mean.value, variance.value = (
                    self.momentum * old.value + (1.0 - self.momentum) * new
                    for old, new in zip((mean, variance), used)
                )
        gain = jax.lax.rsqrt(used[1] + self.epsilon)
        if self.use_scale:
            gain = gain * self.param("scale", self.scale_init, channels)
        y = (x - used[0]) * gain
        if self.use_bias:
            y = y + self.param("bias", nn.initializers.zeros, channels)
        return y.astype(x.dtype)


def moments(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of each channel, float32 [C]; one pass over [..., C] gives both."""
    x = x.astype(jnp.float32)
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axes)
    # Rounding can make the difference negative.
    return mean, jnp.maximum(jnp.mean(jnp.square(x), axes) - jnp.square(mean), 0.0)


def normalised(layer: nn.Module, x: jax.Array, mean: jax.Array, variance: jax.Array) -> jax.Array:
    """Outputs of a batch norm as it is applied, with its parameters, by other statistics than its own.

    Args:
        layer: A `BatchNorm`, or one of Flax whose features are the last axis, within its call.
        x: Its input, [..., C].
        mean: Array that broadcasts against the input.
        variance: As the mean.

    Returns:
        Array of the shape and dtype of x.
    """
    params = layer.variables.get("params", {})
    y = (jnp.float32(x) - mean) * jax.lax.rsqrt(variance + layer.epsilon)  # type: ignore[attr-defined]
    return (y * params.get("scale", 1.0) + params.get("bias", 0.0)).astype(x.dtype)
