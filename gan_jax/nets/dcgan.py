"""DCGAN: strided convolutions and batch norm, at any resolution.

Radford et al. 2016, arXiv:1511.06434, sections 3 and 4. The paper draws 64 pixels (1024-512-256-128 channels
from 4x4); other resolutions take as many halvings as lead to an odd size or to one of at most 7 pixels, and
the same widths from the image inwards. Weights start normal with deviation 0.02, norm scales around 1.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.nets.convolution import Conv, ConvTranspose

_kernel_init = nn.initializers.normal(0.02)


def _scale_init(key, shape, dtype=jnp.float32):
    return 1.0 + 0.02 * jax.random.normal(key, shape, dtype)


def _batch_norm(train):
    return functools.partial(
        nn.BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5, scale_init=_scale_init
    )


def halvings(resolution):
    """How often an image is halved: 28 to 7 twice, 32 to 4 three times, 64 to 4 four times.

    Args:
        resolution: Height and width, pixels.

    Returns:
        Number of halvings, at least 1.

    Raises:
        UsageError: The resolution is odd or below 8.
    """
    count = 0
    while resolution > 7 and resolution % 2 == 0:
        resolution, count = resolution // 2, count + 1
    if count == 0:
        raise UsageError(f"dcgan needs an even resolution of at least 8 pixels, got {resolution}")
    return count


class Generator(nn.Module):
    """A dense layer to a small image, then transposed convolutions that double it.

    Attributes:
        resolution: Height and width of the images, pixels; even, at least 8.
        channels: Channels of the images.
        width: Channels of the last hidden image; each smaller one has twice as many.
        kernel_size: Height and width of the kernels, pixels.
    """

    resolution: int
    channels: int
    width: int = 64
    kernel_size: int = 5

    @nn.compact
    def __call__(self, latents, *, train):
        """[B, size] to images in [-1, 1], [B, resolution, resolution, channels]."""
        norm = _batch_norm(train)
        count = halvings(self.resolution)
        size, width = self.resolution >> count, self.width << (count - 1)
        kernel = (self.kernel_size, self.kernel_size)
        x = nn.Dense(size * size * width, use_bias=False, kernel_init=_kernel_init)(latents)
        x = nn.relu(norm()(x.reshape(-1, size, size, width)))
        for level in range(1, count):
            x = ConvTranspose(width >> level, kernel, (2, 2), use_bias=False, kernel_init=_kernel_init)(x)
            x = nn.relu(norm()(x))
        return jnp.tanh(ConvTranspose(self.channels, kernel, (2, 2), kernel_init=_kernel_init)(x))


class Discriminator(nn.Module):
    """Strided convolutions that halve the image, LeakyReLU, and a dense layer to a logit.

    Attributes:
        width: Channels after the first convolution; each further one doubles them.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
        dropout: Share of the features dropped in training, in [0, 1).
        batch_norm: Normalise all but the first convolution; turn off under a penalty on gradients, which
            are not per sample any more with it.
    """

    width: int = 64
    kernel_size: int = 5
    slope: float = 0.2
    dropout: float = 0.0
    batch_norm: bool = True

    @nn.compact
    def __call__(self, images, *, train):
        """Images [B, H, W, C] to `{"logits": [B]}`."""
        norm = _batch_norm(train)
        x = images
        for level in range(halvings(images.shape[1])):
            normed = self.batch_norm and level > 0
            kernel = (self.kernel_size, self.kernel_size)
            x = Conv(self.width << level, kernel, (2, 2), use_bias=not normed, kernel_init=_kernel_init)(x)
            x = nn.leaky_relu(norm()(x) if normed else x, self.slope)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return {"logits": nn.Dense(1, kernel_init=_kernel_init)(x.reshape(x.shape[0], -1))[:, 0]}
