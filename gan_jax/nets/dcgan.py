"""DCGAN: strided convolutions and batch norm, at any resolution.

Radford et al. 2016, arXiv:1511.06434, sections 3 and 4. The paper draws 64 pixels (1024-512-256-128 channels
from 4x4); images of other sizes are halved until a side is odd or the smaller side has at most 7 pixels, with
the same widths from the image inwards. Weights start normal with deviation 0.02, norm scales around 1.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.nets.convolution import Conv, ConvTranspose
from gan_jax.nets.dropout import Dropout
from gan_jax.nets.labels import append_label_planes, append_labels
from gan_jax.nets.linen import name_of
from gan_jax.nets.readout import LOGITS, input_labels, read_out
from gan_jax.nets.resampling import halvings

_kernel_init = nn.initializers.normal(0.02)


def _scale_init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    return 1.0 + 0.02 * jax.random.normal(key, shape, dtype)


def _batch_norm(train: bool) -> Callable[[], BatchNorm]:
    return functools.partial(
        BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5, scale_init=_scale_init
    )


class Generator(nn.Module):
    """A dense layer to a small image, then transposed convolutions that double it.

    Attributes:
        resolution: Height and width of the images, pixels, each even and at least 8; one int is a square.
        channels: Channels of the images.
        width: Channels of the last hidden image; each smaller one has twice as many.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero; the paper has ReLU, a slope of 0.
        classes: Number of classes for a network with labels, which stand beside the latents.
    """

    resolution: Resolution
    channels: int
    width: int = 64
    kernel_size: int = 5
    slope: float = 0.0
    classes: int = 0

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to images in [-1, 1], [B, H, W, channels]."""
        norm = _batch_norm(train)
        count = halvings(self.resolution, name_of(self))
        height, columns = (side >> count for side in height_and_width(self.resolution))
        width, kernel = self.width << (count - 1), (self.kernel_size, self.kernel_size)
        x = nn.Dense(height * columns * width, use_bias=False, kernel_init=_kernel_init)(
            append_labels(latents, labels, self.classes)
        )
        x = nn.leaky_relu(norm()(x.reshape(-1, height, columns, width)), self.slope)
        for level in range(1, count):
            x = ConvTranspose(width >> level, kernel, (2, 2), use_bias=False, kernel_init=_kernel_init)(x)
            x = nn.leaky_relu(norm()(x), self.slope)
        return jnp.tanh(ConvTranspose(self.channels, kernel, (2, 2), kernel_init=_kernel_init)(x))


class Discriminator(nn.Module):
    """Strided convolutions that halve the image, LeakyReLU, and a dense layer to a logit.

    Labels stand beside the image as planes, unless a head uses the classes.

    Attributes:
        width: Channels after the first convolution; each further halving doubles them.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
        dropout: Share of the features dropped in training, in [0, 1).
        batch_norm: Normalise all but the first convolution; turn it off under a penalty on gradients, since
            batch norm mixes the gradients of the samples.
        depth: Convolutions for each halving: one that halves, and others without a stride behind it. The
            paper has 1.
        classes: Number of classes for a network with labels or with a head that predicts them.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
    """

    width: int = 64
    kernel_size: int = 5
    slope: float = 0.2
    dropout: float = 0.0
    batch_norm: bool = True
    depth: int = 1
    classes: int = 0
    heads: Any = LOGITS

    @nn.compact
    def __call__(
        self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Images [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        norm = _batch_norm(train)
        kernel = (self.kernel_size, self.kernel_size)
        x = append_label_planes(images, input_labels(self.heads, labels), self.classes)
        count = halvings((images.shape[1], images.shape[2]), name_of(self))
        for layer in range(self.depth * count):
            level, behind = divmod(layer, self.depth)
            strides, normed = (1, 1) if behind else (2, 2), self.batch_norm and layer > 0
            x = Conv(self.width << level, kernel, strides, use_bias=not normed, kernel_init=_kernel_init)(x)
            x = nn.leaky_relu(norm()(x) if normed else x, self.slope)
            x = Dropout(self.dropout)(x, train=train)
        return read_out(
            self.heads,
            features=x.reshape(x.shape[0], -1),
            labels=labels,
            classes=self.classes,
            kernel_init=_kernel_init,
            train=train,
        )
