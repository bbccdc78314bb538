"""Normalisation that depends on the label, or on a vector."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.nets.batch_norm import BatchNorm


class ConditionalBatchNorm(nn.Module):
    """Batch norm with a gain and an offset for each class.

    Dumoulin et al. 2016, arXiv:1610.07629, eq. 5, with batch norm instead of instance norm as in
    Miyato and Koyama 2018, arXiv:1802.05637, section 4. The statistics are those of all classes together.
    Without labels it is batch norm; a sample whose label is below 0 has no class: scale 1 and bias 0.

    Attributes:
        classes: Number of classes for a network with labels.
        momentum: Weight of the past in running statistics, in [0, 1).
        epsilon: Added to variances; 2e-5 is the default of the authors' framework.
    """

    classes: int = 0
    momentum: float = 0.9
    epsilon: float = 2e-5

    @nn.compact
    def __call__(self, x: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, H, W, C], and labels int32 [B] or None, to the same shape."""
        x = BatchNorm(
            use_running_average=not train,
            momentum=self.momentum,
            epsilon=self.epsilon,
            use_scale=labels is None,
            use_bias=labels is None,
        )(x)
        if labels is None:
            return x
        if self.classes < 1:
            raise UsageError(f"classes={self.classes}: a network with labels needs the number of classes")
        shape = (self.classes, x.shape[-1])
        known = labels[:, None] >= 0
        scale = jnp.where(known, self.param("scale", nn.initializers.ones, shape)[labels], 1.0).astype(
            x.dtype
        )
        bias = jnp.where(known, self.param("bias", nn.initializers.zeros, shape)[labels], 0.0).astype(x.dtype)
        return x * scale[:, None, None] + bias[:, None, None]


class LinearBatchNorm(nn.Module):
    """Batch norm whose gain less 1, and offset, are linear in a vector that each sample has.

    Brock et al. 2019, arXiv:1809.11096, section 3 and appendix B.1: the vector is a class's embedding beside
    a part of the latents. The layers of the vector have no bias. Without one it is batch norm.

    Attributes:
        momentum: Weight of the past in running statistics, in [0, 1).
        epsilon: Added to variances.
        kernel_init: Initializer of the kernels [F, C].
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    kernel_init: Callable[..., Any] = nn.initializers.orthogonal()

    @nn.compact
    def __call__(self, x: jax.Array, vectors: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, H, W, C], and vectors [B, F] or None, to the shape of the images."""
        plain = vectors is None
        x = BatchNorm(not train, self.momentum, self.epsilon, use_scale=plain, use_bias=plain)(x)
        if vectors is None:
            return x
        gain, offset = (
            nn.Dense(x.shape[-1], use_bias=False, kernel_init=self.kernel_init, name=name)(vectors)
            for name in ("gain", "offset")
        )
        return x * (1 + gain)[:, None, None] + offset[:, None, None]
