"""Discriminators that are autoencoders, and the generator that shares their decoder's shape.

An autoencoder returns a dict of `reconstruction`, images like its input, and `features`, its code. The game
computes the distance between reconstructions and images.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.nets.convolution import Conv, ConvTranspose
from gan_jax.nets.linen import name_of
from gan_jax.nets.resampling import halvings
from gan_jax.nets.sizes import halved

_normal = nn.initializers.normal(0.02)
_SMALL = 8  # Pixels; BEGAN halves images until the smaller side has at most as many.


def _sizes(resolution: Resolution, network: str) -> list[tuple[int, int]]:
    """The sizes of BEGAN's images, from the whole image to the smallest."""
    size = height_and_width(resolution)
    sizes = [size, *halved(size, above=_SMALL)]
    if min(sizes[-1]) > _SMALL:
        factor = 2
        while min(size) > _SMALL * factor:
            factor *= 2
        raise UsageError(f"{network}: resolution={size}: expected height and width divisible by {factor}")
    return sizes


class StridedDiscriminator(nn.Module):
    """Strided convolutions to a code, and transposed ones back to the image.

    Zhao et al. 2016, arXiv:1609.03126, appendix D (EBGAN; at 64 pixels 64-128-256 channels and back): batch
    norm on all but the first and the last layer, LeakyReLU, and no dense layer. Here the image is halved as
    often as in DCGAN, at most `depth` times. Weights start with deviation 0.02, as in DCGAN.

    Attributes:
        width: Channels after the first convolution; each further one doubles them.
        depth: Halvings at most.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
    """

    width: int = 64
    depth: int = 3
    kernel_size: int = 4
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `reconstruction` of their shape and `features` [B, h, w, channels]."""

        def activated(x: jax.Array, normed: bool = True) -> jax.Array:
            if normed:
                x = BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)(x)
            return nn.leaky_relu(x, self.slope)

        x, kernel = images, (self.kernel_size, self.kernel_size)
        levels = min(self.depth, halvings((images.shape[1], images.shape[2]), name_of(self)))
        for level in range(levels):
            x = Conv(self.width << level, kernel, (2, 2), use_bias=level == 0, kernel_init=_normal)(x)
            x = activated(x, normed=level > 0)
        features = x
        for level in reversed(range(levels - 1)):
            x = ConvTranspose(self.width << level, kernel, (2, 2), use_bias=False, kernel_init=_normal)(x)
            x = activated(x)
        x = ConvTranspose(images.shape[-1], kernel, (2, 2), kernel_init=_normal)(x)
        return {"reconstruction": x, "features": features}


class DenseDiscriminator(nn.Module):
    """Dense layers to a code and back to the image.

    Zhao et al. 2016, arXiv:1609.03126, section 4.1 (EBGAN on MNIST): fully connected, one to several layers.

    Attributes:
        widths: Units of the encoder's layers; the last layer is the code. The decoder has them in reverse.
    """

    widths: tuple[int, ...] = (256,)

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `reconstruction` of their shape and `features` [B, units of the code]."""
        x = images.reshape(images.shape[0], -1)
        for width in self.widths:
            x = nn.relu(nn.Dense(width)(x))
        features = x
        for width in reversed(self.widths[:-1]):
            x = nn.relu(nn.Dense(width)(x))
        x = nn.Dense(math.prod(images.shape[1:]))(x)
        return {"reconstruction": x.reshape(images.shape), "features": features}


class _Decoder(nn.Module):
    """BEGAN's decoder: a dense layer, pairs of convolutions with ELU, and nearest-neighbour doublings."""

    resolution: Resolution
    channels: int
    width: int

    @nn.compact
    def __call__(self, code: jax.Array) -> jax.Array:
        """[B, size] to images [B, H, W, channels], not bounded."""
        sizes = _sizes(self.resolution, name_of(self.parent))
        height, width = sizes[-1]
        x = nn.Dense(height * width * self.width)(code).reshape(-1, height, width, self.width)
        for level in range(len(sizes)):
            if level:
                x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
            for _ in range(2):
                x = nn.elu(Conv(self.width, (3, 3))(x))
        return Conv(self.channels, (3, 3))(x)


class EmbeddingDiscriminator(nn.Module):
    """Convolutions to an embedding without nonlinearity, and a decoder back to the image.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.5 and figure 1 (BEGAN): pairs of 3x3 convolutions with
    ELU between halvings down to 8 pixels on the smaller side, channels that grow linearly with each halving,
    a convolution with stride 2 for each of them, and no normalisation. The optional skip connections and
    vanishing residuals are left out.

    Attributes:
        width: Channels of the first and of all of the decoder's convolutions, the paper's n.
        size: Dimensions of the embedding, the paper's N_h.
    """

    width: int = 64
    size: int = 64

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `reconstruction` of their shape, and the embedding `features` [B, size]."""
        del train
        x = nn.elu(Conv(self.width, (3, 3))(images))
        _, height, width, channels = images.shape
        count = len(_sizes((height, width), name_of(self))) - 1
        for level in range(1, count + 2):
            for _ in range(2):
                x = nn.elu(Conv(self.width * level, (3, 3))(x))
            if level <= count:
                x = nn.elu(Conv(self.width * (level + 1), (3, 3), (2, 2))(x))
        features = nn.Dense(self.size)(x.reshape(x.shape[0], -1))
        decoder = _Decoder((height, width), channels, self.width, name="decoder")
        return {"reconstruction": decoder(features), "features": features}


class EmbeddingGenerator(nn.Module):
    """The decoder of `EmbeddingDiscriminator` as a generator.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.5 (BEGAN): latents are uniform in [-1, 1], as many as
    the embedding has dimensions. There is no tanh at the end.

    Attributes:
        resolution: Height and width of the images, pixels; one int is a square. Halvings must bring the
            smaller side to at most 8.
        channels: Channels of the images.
        width: Channels of the convolutions, the paper's n.
    """

    resolution: Resolution
    channels: int
    width: int = 64

    @nn.compact
    def __call__(self, latents: jax.Array, *, train: bool) -> jax.Array:
        """[B, size] to images [B, H, W, channels], not bounded."""
        del train
        return _Decoder(self.resolution, self.channels, self.width, name="decoder")(latents)
