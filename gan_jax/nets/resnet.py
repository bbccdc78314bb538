"""The ResNet of SNGAN, WGAN-GP, projection and SAGAN, at any resolution.

Miyato et al. 2018, arXiv:1802.05957, tables 4 to 6. Generators start at the smallest image that halving
gives: 7 pixels for 28, 4 for 32, 6 for 48, 4 for 64 and 128. Below 48 pixels all blocks have `width`
channels, as in the paper at 32. From 48 on the generator's last block has a quarter of it and the
discriminator's first block half of it, doubling inwards up to 16 times that; with the default widths these
are the paper's networks at 48 and 128 pixels. The smaller side of an image counts.

WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028, appendix) has the same blocks at 32 pixels with 128
channels in both networks. Its discriminator takes the mean over pixels, this one the sum; both have no
normalisation there (WGAN-GP has layer norm for larger images). A critic under a penalty on gradients must
have no batch norm, and this one has none.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.convolution import Conv
from gan_jax.nets.labels import append_label_planes
from gan_jax.nets.layers import SelfAttention
from gan_jax.nets.linen import name_of
from gan_jax.nets.normalisation import ConditionalBatchNorm
from gan_jax.nets.readout import LOGITS, input_labels, read_out
from gan_jax.nets.resampling import halvings
from gan_jax.nets.residual import DownBlock, UpBlock
from gan_jax.nets.sizes import halved

_glorot = nn.initializers.glorot_uniform()
_LARGE = 48  # Pixels of the smaller side from which on widths double inwards.


def generator_widths(resolution: Resolution, width: int, network: str = "this network") -> list[int]:
    """Channels of the generator's first image and of each block's output.

    Args:
        resolution: Height and width of the images, pixels.
        width: Channels below 48 pixels.
        network: Name of the network, for the error.

    Returns:
        List of ints, from the smallest image to the largest.

    Raises:
        UsageError: A side is odd or below 8.
    """
    count = halvings(resolution, network)
    if min(height_and_width(resolution)) < _LARGE:
        return [width] * (count + 1)
    return [max(width // 4, 1) << min(level, 4) for level in range(count, -1, -1)]


def discriminator_blocks(
    resolution: Resolution, width: int, network: str = "this network"
) -> list[tuple[int, int]]:
    """The channels and the smaller side of the image after each of the discriminator's blocks.

    Below 48 pixels two blocks halve and two do not. From 48 on blocks halve down to at most 4 pixels, and
    one more does not. An image is not halved where a side is odd or the smaller side is at most 4. At
    64 pixels, a size without a table in the paper, the authors' code halves down to 2 pixels instead.

    Args:
        resolution: Height and width of the images, pixels.
        width: Channels below 48 pixels.
        network: Name of the network, for the error.

    Returns:
        List of (channels, pixels of the smaller side).

    Raises:
        UsageError: A side is odd or below 8.
    """
    small, count = min(height_and_width(resolution)) < _LARGE, halvings(resolution, network)
    sides = [min(size) for size in halved(resolution, above=4)][: 2 if small else count + 1]
    if small:
        return [(width, side) for side in (*sides, *sides[-1:] * (4 - len(sides)))]
    widths = [max(width // 2, 1) << min(block, 4) for block in range(len(sides))]
    return [*zip(widths, sides), (widths[-1], sides[-1])]


def attended(sides: Sequence[int], attention: Sequence[int]) -> set[int]:
    """The indices of the blocks with self-attention after them.

    Args:
        sides: Smaller side of the image after each block, pixels.
        attention: Smaller sides with attention. Each selects the largest image that is not larger: 16 selects
            16 pixels in a network for 32 pixels, and 14 in one for 28.

    Returns:
        Set of indices; among images of the same size the first.

    Raises:
        UsageError: All images are larger.
    """
    for most in attention:
        if most < min(sides):
            raise UsageError(f"attention={most}: expected at least {min(sides)}, the smallest of {sides}")
    return {sides.index(max(side for side in sides if side <= most)) for most in attention}


class Generator(nn.Module):
    """A dense layer to a small image, blocks that double it, batch norm, ReLU and a convolution.

    Labels choose the gain and offset of the blocks' batch norms (Miyato and Koyama 2018, arXiv:1802.05637,
    section 4). The convolutions in front of a batch norm have no bias; in the authors' code they have one.

    Attributes:
        resolution: Height and width of the images, pixels, each even and at least 8; one int is a square.
        channels: Channels of the images.
        classes: Number of classes for a network with labels.
        width: Channels of each block below 48 pixels, and 4 times those of the last block from there on.
        attention: Smaller sides of images with self-attention, pixels: (32,) of 128 in Zhang et al. 2018,
            arXiv:1805.08318.
    """

    resolution: Resolution
    channels: int
    classes: int = 0
    width: int = 256
    attention: tuple[int, ...] = ()

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to images in [-1, 1], [B, H, W, channels]."""
        first, *widths = generator_widths(self.resolution, self.width, name_of(self))
        height, columns = (side >> len(widths) for side in height_and_width(self.resolution))
        sides = [min(height, columns) << block for block in range(1, len(widths) + 1)]
        places = attended(sides, self.attention)
        x = nn.Dense(height * columns * first, kernel_init=_glorot)(latents)
        x = x.reshape(-1, height, columns, first)
        for block, width in enumerate(widths):
            x = UpBlock(width, self.classes)(x, labels, train=train)
            x = SelfAttention()(x) if block in places else x
        x = nn.relu(ConditionalBatchNorm()(x, train=train))
        return jnp.tanh(Conv(self.channels, (3, 3), kernel_init=_glorot)(x))


class Discriminator(nn.Module):
    """Residual blocks that halve the image, ReLU, the sum over pixels, and a dense layer to a logit.

    Labels stand beside the image as planes, unless a head uses the classes: `projection` gives the
    discriminator of Miyato and Koyama 2018, arXiv:1802.05637. The logit has a bias, as in the authors'
    networks for larger images; their network for 32 pixels has none.

    Attributes:
        classes: Number of classes for a network with labels or with a head that predicts them.
        width: Channels of each block below 48 pixels, and twice those of the first block from there on.
        attention: Smaller sides of images with self-attention, pixels.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
    """

    classes: int = 0
    width: int = 128
    attention: tuple[int, ...] = ()
    heads: Any = LOGITS

    @nn.compact
    def __call__(
        self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Images [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        size = images.shape[1], images.shape[2]
        blocks = discriminator_blocks(size, self.width, name_of(self))
        places = attended([side for _, side in blocks], self.attention)
        x = append_label_planes(images, input_labels(self.heads, labels), self.classes)
        for block, (width, side) in enumerate(blocks):
            hidden = x.shape[-1] if block else width
            x = DownBlock(width, hidden, halve=side < min(x.shape[1:3]), activate=block > 0)(x)
            x = SelfAttention()(x) if block in places else x
        return read_out(
            self.heads,
            features=jnp.sum(nn.relu(x), axis=(1, 2)),
            labels=labels,
            classes=self.classes,
            kernel_init=_glorot,
            train=train,
        )
