"""The first part of networks around an encoder: strided convolutions, or dense layers.

Convolutions are those of DCGAN's discriminator (Radford et al. 2016, arXiv:1511.06434), which Donahue et al.
2016, arXiv:1605.09782, section 4, use too, at any resolution that `dcgan` takes. Weights start normal with
deviation 0.02.
"""

from typing import Any

import flax.linen as nn
import jax

from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.nets.convolution import Conv
from gan_jax.nets.linen import name_of
from gan_jax.nets.resampling import halvings

_kernel_init = nn.initializers.normal(0.02)


def dense(features: int, **options: Any) -> nn.Dense:
    """A dense layer whose weights start as DCGAN's."""
    return nn.Dense(features, kernel_init=_kernel_init, **options)


def convolutions(width: int, kernel_size: int, slope: float, batch_norm: bool = True) -> nn.Module:
    """Strided convolutions with LeakyReLU, and batch norm after all but the first.

    Args:
        width: Channels after the first convolution; each further one doubles them.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
        batch_norm: Normalise all but the first.

    Returns:
        A module from images [B, H, W, C] and `train` to small images [B, h, w, width * 2^n].
    """
    return _Halvings(width, kernel_size, slope, batch_norm)


def layers(widths: tuple[int, ...], slope: float, batch_norm: bool = True) -> nn.Module:
    """Dense layers with LeakyReLU, and batch norm after all but the first.

    Args:
        widths: Units of each layer.
        slope: LeakyReLU's slope below zero.
        batch_norm: Normalise all but the first.

    Returns:
        A module from arrays [B, ...] and `train` to [B, units of the last layer].
    """
    return _Layers(widths, slope, batch_norm)


def _batch_norm(train: bool) -> BatchNorm:
    return BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)


class _Halvings(nn.Module):
    width: int
    kernel_size: int
    slope: float
    batch_norm: bool

    @nn.compact
    def __call__(self, images: jax.Array, train: bool) -> jax.Array:
        x, kernel = images, (self.kernel_size, self.kernel_size)
        for level in range(halvings((images.shape[1], images.shape[2]), name_of(self.parent))):
            normed = self.batch_norm and level > 0
            x = Conv(self.width << level, kernel, (2, 2), use_bias=not normed, kernel_init=_kernel_init)(x)
            x = nn.leaky_relu(_batch_norm(train)(x) if normed else x, self.slope)
        return x


class _Layers(nn.Module):
    widths: tuple[int, ...]
    slope: float
    batch_norm: bool

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        x = x.reshape(x.shape[0], -1)
        for level, width in enumerate(self.widths):
            normed = self.batch_norm and level > 0
            x = dense(width, use_bias=not normed)(x)
            x = nn.leaky_relu(_batch_norm(train)(x) if normed else x, self.slope)
        return x
