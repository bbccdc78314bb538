"""Residual blocks of the ResNet GANs.

Miyato et al. 2018, arXiv:1802.05957, appendix B.4, after Gulrajani et al. 2017, arXiv:1704.00028, appendix.
Kernels start Glorot uniform, those of 3 by 3 pixels with gain sqrt(2), as in the authors' code.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from gan_jax.nets.convolution import Conv
from gan_jax.nets.normalisation import ConditionalBatchNorm
from gan_jax.nets.resampling import mean_pool, repeat_pixels

_glorot = nn.initializers.glorot_uniform()
_glorot_of_relu = nn.initializers.variance_scaling(2.0, "fan_avg", "uniform")
_conv = functools.partial(Conv, kernel_size=(3, 3), kernel_init=_glorot_of_relu)
_shortcut = functools.partial(Conv, kernel_size=(1, 1), kernel_init=_glorot)


class UpBlock(nn.Module):
    """Doubles the image by batch norm, ReLU and convolution, twice, beside a shortcut of one pixel.

    The first ReLU is followed by repeated pixels.

    Attributes:
        features: Output channels.
        classes: Number of classes for a network with labels.
    """

    features: int
    classes: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, H, W, C], and labels int32 [B] or None, to [B, 2H, 2W, features]."""

        def activate(x: jax.Array) -> jax.Array:
            return nn.relu(ConditionalBatchNorm(self.classes)(x, labels, train=train))

        residual = _conv(self.features, use_bias=False)(repeat_pixels(activate(x)))
        residual = _conv(self.features)(activate(residual))
        # A convolution of one pixel commutes with repeating pixels; before them it has a quarter of the work.
        return residual + repeat_pixels(_shortcut(self.features)(x))


class DownBlock(nn.Module):
    """ReLU, convolution, ReLU, convolution, and the mean of four pixels, beside a shortcut; no normalisation.

    Attributes:
        features: Output channels.
        hidden: Channels between the convolutions.
        halve: Whether to halve the image. A block that neither halves nor changes the channels has the
            identity as its shortcut.
        activate: Whether a ReLU comes first; the first block has none, since it reads pixels.
        kernel_init: Initializer of the kernels of 3 by 3 pixels.
        shortcut_init: Initializer of the shortcut's kernel.
    """

    features: int
    hidden: int
    halve: bool = True
    activate: bool = True
    kernel_init: Callable[..., Any] = _glorot_of_relu
    shortcut_init: Callable[..., Any] = _glorot

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, C] to [B, H / 2, W / 2, features], or [B, H, W, features] without halving."""
        conv = functools.partial(_conv, kernel_init=self.kernel_init)
        residual = conv(self.hidden)(nn.relu(x) if self.activate else x)
        residual = conv(self.features)(nn.relu(residual))
        pool = mean_pool if self.halve else lambda x: x
        if self.halve or x.shape[-1] != self.features:
            # The mean commutes with a convolution of one pixel, which has a quarter of the work after it.
            x = _shortcut(self.features, kernel_init=self.shortcut_init)(pool(x))
        return pool(residual) + x
