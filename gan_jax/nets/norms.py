"""Normalisations by the names that recipes give, as in `norm="instance_norm"`.

Each is a function from `train`, whether the network trains, to a layer from [B, H, W, C] to the same shape.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets.batch_norm import BatchNorm

__all__ = ["affine_instance_norm", "batch_norm", "instance_norm", "no_norm"]

_Layer = Callable[[jax.Array], jax.Array]


class InstanceNorm(nn.Module):
    """Normalises each channel of each image by its mean and variance over the pixels, in float32.

    Ulyanov et al. 2016, arXiv:1607.08022, eq. 4. The variance is the biased one. An image of one pixel
    becomes 0.

    Attributes:
        affine: Whether to learn a gain and an offset for each channel.
        epsilon: Added to variances.
    """

    affine: bool = False
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, C] to the same shape and dtype."""
        y = jnp.float32(x)
        y = y - jnp.mean(y, axis=(1, 2), keepdims=True)
        y = y * jax.lax.rsqrt(jnp.mean(jnp.square(y), axis=(1, 2), keepdims=True) + self.epsilon)
        if self.affine:
            y = y * self.param("scale", nn.initializers.ones, x.shape[-1:])
            y = y + self.param("bias", nn.initializers.zeros, x.shape[-1:])
        return y.astype(x.dtype)


def batch_norm(train: bool) -> _Layer:
    """The batch's statistics in training and running ones in evaluation, with gain and offset.

    Ioffe and Szegedy 2015, arXiv:1502.03167.
    """
    return BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)


def instance_norm(train: bool) -> _Layer:
    """Each image's own statistics, without gain and offset, as in CycleGAN.

    Ulyanov et al. 2016, arXiv:1607.08022.
    """
    del train
    return InstanceNorm()


def affine_instance_norm(train: bool) -> _Layer:
    """Each image's own statistics, with gain and offset: what batch norm is for a batch of one image.

    Ulyanov et al. 2016, arXiv:1607.08022; Isola et al. 2016, arXiv:1611.07004, section 3.3 (pix2pix).
    """
    del train
    return InstanceNorm(affine=True)


def no_norm(train: bool) -> _Layer:
    """No normalisation. No paper."""
    del train
    return lambda x: x
