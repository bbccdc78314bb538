"""Networks that enlarge images: SRResNet, the generator of SRGAN, and RRDB, that of ESRGAN.

Their outputs are not bounded: with a tanh a network could not pass on what its input already has.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.names import find
from gan_jax.nets import fields, norms, upsampling
from gan_jax.nets.convolution import Conv
from gan_jax.nets.linen import name_of

_he = nn.initializers.he_normal()
# A tenth of He's deviation: section 3.2 of ESRGAN starts residual branches smaller. So do we the last convolutions:
# what is added to an enlarged image begins near nothing.
_small = nn.initializers.variance_scaling(0.02, "fan_in", "normal")


def doublings(scale: int, network: str) -> int:
    """How often a network doubles an image.

    Args:
        scale: Height of the output over that of the input.
        network: Name of the network, for the error.

    Returns:
        The logarithm of the scale to base 2.

    Raises:
        UsageError: The scale is no power of 2.
    """
    if scale < 1 or scale & (scale - 1):
        raise UsageError(f"{network}: scale={scale}: expected a power of 2, such as 2 or 4")
    return scale.bit_length() - 1


def _radius(network: "SRResNet | RRDB", first: int, small: int, last: tuple[int, ...]) -> int | None:
    """The radius of a first convolution, many of 3 by 3 pixels, doublings, and the last convolutions."""
    double = fields.doubling(network.upsample, 3)
    if double is None:
        return None
    layers = [fields.convolution(size) for size in (first, *small * [3])]
    layers += doublings(network.scale, name_of(network)) * [double]
    layers += [fields.convolution(size) for size in last]
    return fields.radius(fields.chained(layers), scale=network.scale)


def _prelu() -> nn.PReLU:
    """LeakyReLU with one learned slope, which starts at 0.25 (He et al. 2015, arXiv:1502.01852)."""
    return nn.PReLU(negative_slope_init=0.25)


class _ResidualBlock(nn.Module):
    """Adds to an image two normalised convolutions, with PReLU between them."""

    norm: Callable[..., Any]

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """[B, H, W, C] to the same shape."""
        options: dict[str, Any] = dict(use_bias=self.norm is norms.no_norm, kernel_init=_he)
        y = _prelu()(self.norm(train)(Conv(x.shape[-1], (3, 3), **options)(x)))
        return x + self.norm(train)(Conv(x.shape[-1], (3, 3), **options)(y))


class SRResNet(nn.Module):
    """Small images to large ones: residual blocks, pixel shuffles that double, and PReLU.

    Ledig et al. 2016, arXiv:1609.04802, section 2.1.1 and figure 4: 16 blocks of 64 channels for a scale of
    4, first and last convolution of 9 by 9 pixels. Images of any size.

    Attributes:
        channels: Channels of the output.
        scale: Height of the output over that of the input, a power of 2.
        width: Channels of the convolutions.
        blocks: Number of residual blocks.
        norm: Name of a normalisation, see `nets/norms.py`, or a function like them.
        upsample: Name of a layer that doubles, see `nets/upsampling.py`, or a function like them.
    """

    channels: int
    scale: int = 4
    width: int = 64
    blocks: int = 16
    norm: Any = "batch_norm"
    upsample: Any = "shuffled"

    @property
    def radius(self) -> int | None:
        """Pixels of the source that an output pixel depends on, on each side; None if on the whole image."""
        if not fields.is_local(self.norm):
            return None
        return _radius(self, 9, 2 * self.blocks + 1, last=(9,))

    @nn.compact
    def __call__(self, source: jax.Array, *, train: bool) -> jax.Array:
        """Images [B, h, w, C] to images of about [-1, 1], [B, scale * h, scale * w, channels]."""
        count, norm = doublings(self.scale, name_of(self)), find(self.norm, (norms,), "norm")
        double = find(self.upsample, (upsampling,), "upsample")
        first = x = _prelu()(Conv(self.width, (9, 9), kernel_init=_he)(source))
        for _ in range(self.blocks):
            x = _ResidualBlock(norm)(x, train)
        x = Conv(self.width, (3, 3), use_bias=norm is norms.no_norm, kernel_init=_he)(x)
        x = first + norm(train)(x)
        for _ in range(count):
            x = _prelu()(double(self.width, 3, kernel_init=_he)(x))
        return Conv(self.channels, (9, 9), kernel_init=_small)(x)


class _DenseBlock(nn.Module):
    """Five convolutions, each of the image and all outputs before; the last one is added to the image."""

    growth: int
    share: float
    slope: float

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, C] to the same shape."""
        seen = x
        for _ in range(4):
            y = nn.leaky_relu(Conv(self.growth, (3, 3), kernel_init=_small)(seen), self.slope)
            seen = jnp.concatenate([seen, y], axis=-1)
        return x + self.share * Conv(x.shape[-1], (3, 3), kernel_init=_small)(seen)


class RRDB(nn.Module):
    """Small images to large ones: residual blocks of dense blocks, without normalisation.

    Wang et al. 2018, arXiv:1809.00219, section 3.1 and figure 4: 23 blocks of three dense blocks each for a
    scale of 4. Images of any size.

    Attributes:
        channels: Channels of the output.
        scale: Height of the output over that of the input, a power of 2.
        width: Channels of the convolutions outside of dense blocks.
        blocks: Number of residual blocks.
        growth: Channels that each convolution inside a dense block adds.
        residual_scale: What residuals are multiplied by, the paper's beta.
        upsample: Name of a layer that doubles, see `nets/upsampling.py`, or a function like them.
        slope: LeakyReLU's slope below zero.
    """

    channels: int
    scale: int = 4
    width: int = 64
    blocks: int = 23
    growth: int = 32
    residual_scale: float = 0.2
    upsample: Any = "resized"
    slope: float = 0.2

    @property
    def radius(self) -> int | None:
        """Pixels of the source that an output pixel depends on, on each side; None if it is not known."""
        return _radius(self, 3, 15 * self.blocks + 1, last=(3, 3))

    @nn.compact
    def __call__(self, source: jax.Array, *, train: bool) -> jax.Array:
        """Images [B, h, w, C] to images of about [-1, 1], [B, scale * h, scale * w, channels]."""
        del train
        double, count = find(self.upsample, (upsampling,), "upsample"), doublings(self.scale, name_of(self))
        first = x = Conv(self.width, (3, 3))(source)
        for _ in range(self.blocks):
            y = x
            for _ in range(3):
                y = _DenseBlock(self.growth, self.residual_scale, self.slope)(y)
            x = x + self.residual_scale * y
        x = first + Conv(self.width, (3, 3))(x)
        for _ in range(count):
            x = nn.leaky_relu(double(self.width, 3)(x), self.slope)
        x = nn.leaky_relu(Conv(self.width, (3, 3))(x), self.slope)
        return Conv(self.channels, (3, 3), kernel_init=_small)(x)
