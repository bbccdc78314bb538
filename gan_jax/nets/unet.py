"""The U-Net of pix2pix: halvings to a small image, doublings back, and connections between equal sizes.

Isola et al. 2016, arXiv:1611.07004, sections 3.2 and 6.1.1 (Ronneberger et al. 2015, arXiv:1505.04597). With
64-128-256-512-512-512-512-512 channels and 4x4 kernels an image of 256 pixels becomes one of a single pixel.
Weights start normal with deviation 0.02.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.names import FromZero, find
from gan_jax.nets import fields, norms, upsampling
from gan_jax.nets.convolution import Conv
from gan_jax.nets.dropout import Dropout
from gan_jax.nets.inner import beside
from gan_jax.nets.linen import name_of
from gan_jax.nets.sizes import divided

_normal = nn.initializers.normal(0.02)
_NOISY = 3  # Doublings with dropout.


class UNet(nn.Module):
    """Images to images of the same size: convolutions that halve, and back with the features of each size.

    Isola et al. 2016, arXiv:1611.07004. Height and width are multiples of 2^depth. The smallest image is not
    normalised, since at one pixel nothing would be left of it; nor is the largest. Features are dropped in
    the first three doublings, in training and in every sample: the paper's only noise.

    Attributes:
        channels: Channels of the output.
        width: Channels after the first convolution; each halving doubles them, up to eight times.
        depth: Number of halvings: the paper's 8 for 256 pixels; 7 for 128 pixels.
        dropout: Share of the features dropped, in [0, 1); 0 for an output that depends on the input alone.
        norm: Name of a normalisation, see `nets/norms.py`, or a function like them. The paper has batch norm
            at a batch of one image, in samples too: that is the default at every batch size.
        upsample: Name of a layer that doubles, see `nets/upsampling.py`, or a function like them.
        slope: LeakyReLU's slope below zero in the halvings; the doublings have ReLU.
        layers: Numbers of inner layers to return beside the image: 0 is the source, then come the halvings.
    """

    channels: int
    width: int = 64
    depth: int = 8
    dropout: float = 0.5
    norm: Any = "affine_instance_norm"
    upsample: Any = "transposed"
    slope: float = 0.2
    layers: tuple[FromZero, ...] = ()

    @property
    def multiple(self) -> int:
        """What height and width are multiples of, pixels."""
        return 1 << self.depth

    @property
    def radius(self) -> int | None:
        """Pixels of the source that an output pixel depends on, on each side; None if on the whole image.

        Dropout is noise of the whole image too: parts that are translated on their own get other noise.
        """
        double, halve = fields.doubling(self.upsample, 4), fields.convolution(4, 2)
        if not fields.is_local(self.norm) or self.dropout or double is None:
            return None

        def network(read: fields.Interval) -> fields.Interval:
            reads = []
            for level in range(self.depth):
                read = double(read)
                # Of the features at this level, and of all below.
                reads.append(fields.chained([halve] * (level + 1))(read))
            return min(first for first, _ in reads), max(last for _, last in reads)

        return fields.radius(network, multiple=self.multiple)

    @nn.compact
    def __call__(self, source: jax.Array, *, train: bool) -> Any:
        """Images [B, H, W, C] to images in [-1, 1], [B, H, W, channels].

        With `layers`, to a dict of `image` and `layers`, a tuple of features [B, h, w, c].
        """
        divided(source, self.multiple, name_of(self))
        skips = self._halvings(source, train)
        inner = [source, *skips]
        double, norm = find(self.upsample, (upsampling,), "upsample"), self._norm()
        x = nn.relu(skips.pop())
        for level in range(self.depth - 2, -1, -1):
            x = double(self._width(level), 4, use_bias=norm is norms.no_norm, kernel_init=_normal)(x)
            x = norm(train)(x)
            if level > self.depth - 2 - _NOISY:
                x = Dropout(self.dropout, stream="noise")(x, train=True)
            x = nn.relu(jnp.concatenate([x, skips.pop()], axis=-1))
        image = jnp.tanh(double(self.channels, 4, kernel_init=_normal)(x))
        return beside(image, inner, self.layers, name_of(self))

    def _halvings(self, x: jax.Array, train: bool) -> list[jax.Array]:
        """The features after each halving, the largest image first."""
        norm, features = self._norm(), []
        for level in range(self.depth):
            normed = 0 < level < self.depth - 1 and norm is not norms.no_norm
            x = Conv(self._width(level), (4, 4), (2, 2), use_bias=not normed, kernel_init=_normal)(x)
            x = nn.leaky_relu(norm(train)(x) if normed else x, self.slope)
            features.append(x)
        return features

    def _width(self, level: int) -> int:
        """Channels after that many halvings and one."""
        return self.width << min(level, 3)

    def _norm(self) -> Callable[..., Any]:
        return find(self.norm, (norms,), "norm")
