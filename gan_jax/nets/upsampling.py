"""Learned layers that double an image, by the names that recipes give, as in `upsample="resized"`.

Each is a function `(features, kernel_size, **options)`, with options of `Conv`, to a layer from [B, H, W, I]
to [B, 2H, 2W, features].
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets.convolution import Conv, ConvTranspose, conv
from gan_jax.nets.resampling import pixel_shuffle, repeat_pixels, smooth_upsample

__all__ = ["resized", "shuffled", "smoothed", "transposed"]


class ResizedConv(Conv):
    """Convolution of an image with each pixel repeated four times; its attributes are those of `Conv`."""

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The convolution without its bias."""
        return conv(repeat_pixels(x), kernel, self.strides)


class SmoothedConv(Conv):
    """Convolution of an image that was doubled by linear interpolation; its attributes are those of `Conv`."""

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The convolution without its bias."""
        return conv(smooth_upsample(x, beyond="edge"), kernel, self.strides)


class ShuffledConv(nn.Module):
    """Convolution to four times the channels, which become squares of two by two pixels.

    Attributes:
        features: Output channels.
        kernel_size: Height and width.
        use_bias: Whether to add a bias.
        kernel_init: Initializer of a kernel [kh, kw, I, features], with which every pixel of a square starts.
    """

    features: int
    kernel_size: tuple[int, int]
    use_bias: bool = True
    kernel_init: Callable[..., Any] = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, 2H, 2W, features]."""

        def alike(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            kernel = self.kernel_init(key, (*shape[:-1], self.features))
            return jnp.repeat(kernel, 4, axis=-1)

        layer = Conv(4 * self.features, self.kernel_size, use_bias=self.use_bias, kernel_init=alike)
        return pixel_shuffle(layer(x))


def transposed(features: int, kernel_size: int, **options: Any) -> nn.Module:
    """Transposed convolution; it leaves checkerboards, fewer if its kernel's size is even.

    Zeiler et al. 2010, CVPR; of pix2pix and CycleGAN.
    """
    return ConvTranspose(features, (kernel_size, kernel_size), (2, 2), **options)


def resized(features: int, kernel_size: int, **options: Any) -> nn.Module:
    """Repeated pixels and a convolution, which leave no checkerboards; an even kernel gets a pixel smaller.

    Odena et al. 2016, Distill, doi:10.23915/distill.00003; of ESRGAN.
    """
    return ResizedConv(features, _odd(kernel_size), **options)


def _odd(kernel_size):
    """The height and width of a square kernel whose middle is a pixel."""
    side = kernel_size - 1 + kernel_size % 2
    return side, side


def smoothed(features: int, kernel_size: int, **options: Any) -> nn.Module:
    """Zeros between pixels, the filter [1, 3, 3, 1] / 4, and a convolution; an even kernel gets a pixel smaller.

    Zhang 2019, arXiv:1904.11486, whose filter before leaving out pixels this mirrors; of CUT.
    """
    return SmoothedConv(features, _odd(kernel_size), **options)


def shuffled(features: int, kernel_size: int, **options: Any) -> nn.Module:
    """Convolution and pixel shuffle; at first the pixels of a square are equal: no checkerboards.

    Shi et al. 2016, arXiv:1609.05158, eq. 4, with the initialisation of Aitken et al. 2017, arXiv:1707.02937,
    section 3.4; of SRGAN.
    """
    return ShuffledConv(features, (kernel_size, kernel_size), **options)
