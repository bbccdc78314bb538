"""The ResNet of SNGAN, WGAN-GP, projection and SAGAN, at any resolution.

Miyato et al. 2018, arXiv:1802.05957, tables 4 to 6. Images start at what halving leads to: 7 pixels for 28,
4 for 32, 6 for 48, 4 for 64 and 128. Below 48 pixels all blocks have `width` channels, as the paper's at 32;
from 48 on the generator's last block has a quarter and the discriminator's first block half of it, doubling
inwards up to 16 times that, which at the default widths are the paper's networks at 48 and 128 pixels.

WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028, appendix) has the same blocks at 32 pixels with 128
channels in both networks; its discriminator takes the mean over pixels where this one takes the sum, and, as
this one, has no normalisation there (layer norm is for its larger images). A critic under a penalty on
gradients must have no batch norm, and this one has none.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.nets.convolution import Conv
from gan_jax.nets.labels import append_label_planes
from gan_jax.nets.layers import SelfAttention
from gan_jax.nets.normalisation import ConditionalBatchNorm
from gan_jax.nets.readout import LOGITS, input_labels, read_out
from gan_jax.nets.resampling import halvings
from gan_jax.nets.residual import DownBlock, UpBlock

_glorot = nn.initializers.glorot_uniform()
_LARGE = 48  # Pixels from which on widths double inwards.


def generator_widths(resolution, width):
    """Channels of the generator's first image and of each block's output.

    Args:
        resolution: Height and width of the images, pixels.
        width: Channels below 48 pixels.

    Returns:
        List of ints, from the smallest image to the largest.

    Raises:
        UsageError: The resolution is odd or below 8.
    """
    count = halvings(resolution)
    if resolution < _LARGE:
        return [width] * (count + 1)
    return [max(width // 4, 1) << min(level, 4) for level in range(count, -1, -1)]


def discriminator_blocks(resolution, width):
    """Channels and size of the image after each of the discriminator's blocks.

    Below 48 pixels two blocks halve and two do not; from 48 on blocks halve down to at most 4 pixels, and
    one more does not. No size is halved that is odd or at most 4. The authors' code for 64 pixels, which no
    table of the paper has, goes on to 2 pixels instead.

    Args:
        resolution: Height and width of the images, pixels.
        width: Channels below 48 pixels.

    Returns:
        List of (channels, height and width).

    Raises:
        UsageError: The resolution is odd or below 8.
    """
    size, sizes, count = resolution, [], halvings(resolution)
    most = 2 if resolution < _LARGE else count + 1
    while size > 4 and size % 2 == 0 and len(sizes) < most:
        size //= 2
        sizes.append(size)
    if resolution < _LARGE:
        return [(width, size) for size in (*sizes, *[size] * (4 - len(sizes)))]
    widths = [max(width // 2, 1) << min(block, 4) for block in range(len(sizes))]
    return [*zip(widths, sizes), (widths[-1], size)]


def attended(sizes, attention):
    """After which blocks there is self-attention.

    Args:
        sizes: Height and width of the image after each block, pixels.
        attention: Heights and widths with attention. Each stands for the largest image that is not larger, so
            that 16 is 16 pixels of an image of 32 and 14 of one of 28.

    Returns:
        Set of indices: of images of the same size the first.

    Raises:
        UsageError: There is no image that small.
    """
    for wanted in attention:
        if wanted < min(sizes):
            raise UsageError(f"attention={wanted}: expected at least {min(sizes)}, the smallest of {sizes}")
    return {sizes.index(max(size for size in sizes if size <= wanted)) for wanted in attention}


class Generator(nn.Module):
    """A dense layer to a small image, blocks that double it, batch norm, ReLU and a convolution.

    Labels that it is told choose the gain and offset of the blocks' batch norms (Miyato and Koyama 2018,
    arXiv:1802.05637, section 4). The convolutions in front of a batch norm have no bias, which the authors'
    have.

    Attributes:
        resolution: Height and width of the images, pixels.
        channels: Channels of the images.
        classes: Number of classes, if labels are told.
        width: Channels of each block below 48 pixels, and 4 times those of the last block from there on.
        attention: Heights and widths with self-attention, pixels: (32,) of 128 in Zhang et al. 2018,
            arXiv:1805.08318.
    """

    resolution: int
    channels: int
    classes: int = 0
    width: int = 256
    attention: tuple[int, ...] = ()

    @nn.compact
    def __call__(self, latents, labels=None, *, train):
        """[B, size], and labels int32 [B] or None, to images in [-1, 1], [B, resolution, resolution, C]."""
        first, *widths = generator_widths(self.resolution, self.width)
        size = self.resolution >> len(widths)
        places = attended([size << block for block in range(1, len(widths) + 1)], self.attention)
        x = nn.Dense(size * size * first, kernel_init=_glorot)(latents).reshape(-1, size, size, first)
        for block, width in enumerate(widths):
            x = UpBlock(width, self.classes)(x, labels, train=train)
            x = SelfAttention()(x) if block in places else x
        x = nn.relu(ConditionalBatchNorm()(x, train=train))
        return jnp.tanh(Conv(self.channels, (3, 3), kernel_init=_glorot)(x))


class Discriminator(nn.Module):
    """Residual blocks that halve the image, ReLU, the sum over pixels, and a dense layer to a logit.

    Labels that it is told stand beside the image as planes, unless a head is about classes: `projection`
    makes it that of Miyato and Koyama 2018, arXiv:1802.05637. The logit has a bias, as in the authors'
    networks for larger images; theirs for 32 pixels has none.

    Attributes:
        classes: Number of classes, if labels are told or a head predicts them.
        width: Channels of each block below 48 pixels, and twice those of the first block from there on.
        attention: Heights and widths with self-attention, pixels.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
    """

    classes: int = 0
    width: int = 128
    attention: tuple[int, ...] = ()
    heads: Any = LOGITS

    @nn.compact
    def __call__(self, images, labels=None, *, train):
        """Images [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        blocks = discriminator_blocks(images.shape[1], self.width)
        places = attended([size for _, size in blocks], self.attention)
        x = append_label_planes(images, input_labels(self.heads, labels), self.classes)
        for block, (width, size) in enumerate(blocks):
            hidden = x.shape[-1] if block else width
            x = DownBlock(width, hidden, halve=size < x.shape[1], activate=block > 0)(x)
            x = SelfAttention()(x) if block in places else x
        return read_out(
            self.heads,
            features=jnp.sum(nn.relu(x), axis=(1, 2)),
            labels=labels,
            classes=self.classes,
            kernel_init=_glorot,
            train=train,
        )
