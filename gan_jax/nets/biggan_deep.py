"""BigGAN-deep: two blocks for each size, each with a bottleneck, and shortcuts without convolutions.

Brock et al. 2019, arXiv:1809.11096, appendix B, figure 16 and tables 7 to 9. Sizes and widths are those of
`biggan`. Convolutions of one pixel narrow an image to a quarter of its channels, two of 3 by 3 pixels follow,
and one of one pixel widens it.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.biggan import conditions, discriminator_widths, generator_widths, orthogonal
from gan_jax.nets.convolution import Conv
from gan_jax.nets.labels import append_label_planes
from gan_jax.nets.layers import SelfAttention
from gan_jax.nets.linen import name_of
from gan_jax.nets.normalisation import LinearBatchNorm
from gan_jax.nets.readout import LOGITS, input_labels, read_out
from gan_jax.nets.resampling import mean_pool, repeat_pixels
from gan_jax.nets.resnet import attended

_BOTTLENECK = 4  # Inside a block there are so many times fewer channels.


class UpBlock(nn.Module):
    """Batch norm, ReLU and convolution, four times, beside a shortcut that drops the last channels.

    Attributes:
        features: Output channels, at most those of the input.
        double: Whether to double the image.
        kernel_init: Initializer of all kernels.
    """

    features: int
    double: bool
    kernel_init: Callable[..., Any]

    @nn.compact
    def __call__(self, x: jax.Array, vectors: jax.Array, *, train: bool) -> jax.Array:
        """[B, H, W, C], and vectors [B, F], to [B, 2H, 2W, features], or [B, H, W, features]."""

        def layer(x: jax.Array, features: int, side: int, double: bool = False) -> jax.Array:
            x = nn.relu(LinearBatchNorm(kernel_init=self.kernel_init)(x, vectors, train=train))
            x = repeat_pixels(x) if double else x
            return Conv(features, (side, side), kernel_init=self.kernel_init)(x)

        hidden = max(x.shape[-1] // _BOTTLENECK, 1)
        residual = layer(x, hidden, 1)
        residual = layer(residual, hidden, 3, self.double)
        residual = layer(layer(residual, hidden, 3), self.features, 1)
        shortcut = x[..., : self.features]
        return residual + (repeat_pixels(shortcut) if self.double else shortcut)


class DownBlock(nn.Module):
    """ReLU and convolution, four times, beside a shortcut to which a convolution appends missing channels.

    Attributes:
        features: Output channels, at least those of the input.
        halve: Whether to halve the image.
        kernel_init: Initializer of all kernels.
    """

    features: int
    halve: bool
    kernel_init: Callable[..., Any]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, C] to [B, H / 2, W / 2, features], or [B, H, W, features] without halving."""

        def conv(x: jax.Array, features: int, side: int) -> jax.Array:
            return Conv(features, (side, side), kernel_init=self.kernel_init)(x)

        pool = mean_pool if self.halve else lambda x: x
        hidden = max(self.features // _BOTTLENECK, 1)
        residual = conv(nn.relu(x), hidden, 1)
        for _ in range(2):
            residual = conv(nn.relu(residual), hidden, 3)
        residual = conv(pool(nn.relu(residual)), self.features, 1)
        shortcut = pool(x)
        missing = self.features - x.shape[-1]
        if missing:
            shortcut = jnp.concatenate([shortcut, conv(shortcut, missing, 1)], axis=-1)
        return residual + shortcut


class Generator(nn.Module):
    """A dense layer to a small image, pairs of blocks of which the second doubles it, and a convolution.

    All latents, beside the embedding of the class where there are labels, go to the dense layer and to every
    batch norm. The paper has 128 latents.

    Attributes:
        resolution: Height and width of the images, pixels, each even and at least 8; one int is a square.
        channels: Channels of the images.
        classes: Number of classes for a network with labels.
        width: The paper's ch.
        depth: Blocks of each size.
        attention: Smaller sides of images with self-attention, pixels, as in `resnet.Generator`.
        shared: Dimensions of the shared embedding.
        kernel_init: Initializer of all kernels and of the embedding: `orthogonal`, or `normal` with deviation
            0.02.
    """

    resolution: Resolution
    channels: int
    classes: int = 0
    width: int = 128
    depth: int = 2
    attention: tuple[int, ...] = ()
    shared: int = 128
    kernel_init: Callable[..., Any] = orthogonal

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to images in [-1, 1], [B, H, W, channels]."""
        first, *widths = generator_widths(self.resolution, self.width, name_of(self))
        height, columns = (side >> len(widths) for side in height_and_width(self.resolution))
        places = attended(
            [min(height, columns) << level for level in range(1, len(widths) + 1)], self.attention
        )
        embedded = conditions(self, latents, labels)
        vectors = latents if embedded is None else jnp.concatenate([embedded, latents], axis=-1)
        x = nn.Dense(height * columns * first, kernel_init=self.kernel_init)(vectors)
        x = x.reshape(-1, height, columns, first)
        for level, width in enumerate(widths):
            for block in range(1, self.depth + 1):
                last = block == self.depth
                x = UpBlock(width if last else x.shape[-1], last, self.kernel_init)(x, vectors, train=train)
            x = SelfAttention(self.kernel_init)(x) if level in places else x
        x = nn.relu(LinearBatchNorm()(x, train=train))
        return jnp.tanh(Conv(self.channels, (3, 3), kernel_init=self.kernel_init)(x))


class Discriminator(nn.Module):
    """A convolution, pairs of blocks of which the first halves the image, ReLU, the sum over pixels, a logit.

    The paper's has `heads=dict(projection={})`. Labels stand beside the image as planes, unless a head uses
    the classes.

    Attributes:
        classes: Number of classes for a network with labels or with a head that predicts them.
        width: The paper's ch.
        depth: Blocks of each size.
        attention: Smaller sides of images with self-attention, pixels, as in `resnet.Discriminator`.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
        kernel_init: Initializer of all kernels: `orthogonal`, or `normal` with deviation 0.02.
    """

    classes: int = 0
    width: int = 128
    depth: int = 2
    attention: tuple[int, ...] = ()
    heads: Any = LOGITS
    kernel_init: Callable[..., Any] = orthogonal

    @nn.compact
    def __call__(
        self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Images [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        size = images.shape[1], images.shape[2]
        (first, *widths), halved = discriminator_widths(size, self.width, name_of(self))
        places = attended(
            [min(size) >> min(level, halved) for level in range(1, len(widths) + 1)], self.attention
        )
        x = append_label_planes(images, input_labels(self.heads, labels), self.classes)
        x = Conv(first, (3, 3), kernel_init=self.kernel_init)(x)
        for level, width in enumerate(widths):
            for block in range(self.depth):
                x = DownBlock(width, level < halved and not block, self.kernel_init)(x)
            x = SelfAttention(self.kernel_init)(x) if level in places else x
        return read_out(
            self.heads,
            features=jnp.sum(nn.relu(x), axis=(1, 2)),
            labels=labels,
            classes=self.classes,
            kernel_init=self.kernel_init,
            train=train,
        )
