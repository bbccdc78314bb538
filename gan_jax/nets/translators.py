"""Residual networks from images to images of the same size: the generator of CycleGAN and CUT.

Zhu et al. 2017, arXiv:1703.10593, section 7.2, after Johnson et al. 2016, arXiv:1603.08155. Weights start
normal with deviation 0.02.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.names import FromZero, find
from gan_jax.nets import fields, norms, upsampling
from gan_jax.nets.convolution import Conv, ReflectedConv
from gan_jax.nets.inner import beside
from gan_jax.nets.linen import name_of
from gan_jax.nets.resampling import blurred_downsample
from gan_jax.nets.sizes import divided

_normal = nn.initializers.normal(0.02)


class _Block(nn.Module):
    """Adds to an image two convolutions of 3 by 3 pixels, each normalised, with ReLU between them."""

    norm: Callable[..., Any]

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """[B, H, W, C] to the same shape."""
        conv = functools.partial(
            ReflectedConv, x.shape[-1], (3, 3), use_bias=self.norm is norms.no_norm, kernel_init=_normal
        )
        y = nn.relu(self.norm(train)(conv()(x)))
        return x + self.norm(train)(conv()(y))


class ResNet(nn.Module):
    """Images to images of the same size: halvings, residual blocks and doublings.

    Zhu et al. 2017, arXiv:1703.10593. Height and width are multiples of 2^halvings, 4 in the paper.
    Convolutions that keep the size mirror the image at its edges. The paper's transposed convolutions of 3 by
    3 pixels leave checkerboards; `upsample="resized"` does not, nor does `"smoothed"`, which with `blurred`
    is the network of CUT (Park et al. 2020, arXiv:2007.15651). Instance norm sees the whole image: parts
    that are translated on their own differ from the whole.

    Attributes:
        channels: Channels of the output.
        width: Channels after the first convolution; each halving doubles them.
        blocks: Number of residual blocks: the paper has 6 for images of 128 pixels and 9 from 256 pixels on.
        halvings: Number of halvings and of doublings.
        norm: Name of a normalisation, see `nets/norms.py`, or a function like them.
        upsample: Name of a layer that doubles, see `nets/upsampling.py`, or a function like them.
        blurred: Halve by a blur and by leaving out pixels behind the ReLU, in place of the convolution's
            stride: Zhang 2019, arXiv:1904.11486.
        layers: Numbers of inner layers to return beside the image: 0 is the source, then come the
            convolutions that halve, before they are normalised, and the residual blocks. CUT compares 0, 1,
            2, 3 and 7.
    """

    channels: int
    width: int = 64
    blocks: int = 9
    halvings: int = 2
    norm: Any = "instance_norm"
    upsample: Any = "transposed"
    blurred: bool = False
    layers: tuple[FromZero, ...] = ()

    @property
    def multiple(self) -> int:
        """What height and width are multiples of, pixels."""
        return 1 << self.halvings

    @property
    def radius(self) -> int | None:
        """Pixels of the source that an output pixel depends on, on each side; None if on the whole image."""
        double = fields.doubling(self.upsample, 3)
        if not fields.is_local(self.norm) or double is None:
            return None
        ends, block = fields.convolution(7), fields.convolution(3)
        halve = [block, fields.blurred] if self.blurred else [fields.convolution(3, 2)]
        blocks = 2 * self.blocks * [block]
        network = [ends, *self.halvings * halve, *blocks, *self.halvings * [double], ends]
        return fields.radius(fields.chained(network), multiple=self.multiple)

    @nn.compact
    def __call__(self, source: jax.Array, *, train: bool) -> Any:
        """Images [B, H, W, C] to images in [-1, 1], [B, H, W, channels].

        With `layers`, to a dict of `image` and `layers`, a tuple of features [B, h, w, c].
        """
        divided(source, self.multiple, name_of(self))
        norm, double = find(self.norm, (norms,), "norm"), find(self.upsample, (upsampling,), "upsample")
        options: dict[str, Any] = dict(use_bias=norm is norms.no_norm, kernel_init=_normal)
        x = nn.relu(norm(train)(ReflectedConv(self.width, (7, 7), **options)(source)))
        inner = [source]
        for level in range(1, self.halvings + 1):
            strides = (1, 1) if self.blurred else (2, 2)
            inner.append(Conv(self.width << level, (3, 3), strides, **options)(x))
            x = nn.relu(norm(train)(inner[-1]))
            x = blurred_downsample(x) if self.blurred else x
        for _ in range(self.blocks):
            x = _Block(norm)(x, train)
            inner.append(x)
        for level in range(self.halvings - 1, -1, -1):
            x = nn.relu(norm(train)(double(self.width << level, 3, **options)(x)))
        image = jnp.tanh(ReflectedConv(self.channels, (7, 7), kernel_init=_normal)(x))
        return beside(image, inner, self.layers, name_of(self))
