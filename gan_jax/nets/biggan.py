"""BigGAN: residual networks whose batch norms hear the class and a part of the latents.

Brock et al. 2019, arXiv:1809.11096, section 3 and appendix B. Generators start at the smallest image that
halving gives: 4 pixels for 32 to 512, 7 for 28. Below 48 pixels all blocks have 4 times `width` channels, as
in the authors' networks for CIFAR-10; from there on the paper's tables 4, 5 and 6 give the multiples of
`width`, the smaller side of an image counts, and attention stands at 64 pixels. All convolutions have a bias.

The paper's regularisers are parts of a recipe: spectral norm on every kernel but `shared_embedding`, and the
penalty `orthogonal`.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.names import FromZero
from gan_jax.nets.convolution import Conv
from gan_jax.nets.labels import append_label_planes
from gan_jax.nets.layers import SelfAttention
from gan_jax.nets.linen import name_of
from gan_jax.nets.normalisation import ConditionalBatchNorm, LinearBatchNorm
from gan_jax.nets.readout import LOGITS, input_labels, read_out
from gan_jax.nets.resampling import halvings, repeat_pixels
from gan_jax.nets.residual import DownBlock
from gan_jax.nets.resnet import attended

# Initializers by the names that recipes give; the second is that of BigGAN for CIFAR-10 in PyTorch.
orthogonal = nn.initializers.orthogonal()
normal = nn.initializers.normal(0.02)

_LARGE = 48  # Pixels of the smaller side from which on widths differ.
# By number of doublings, channels from the smallest image to the largest as multiples of the width.
_MULTIPLES = {
    3: (16, 16, 8, 4),
    4: (16, 16, 8, 4, 2),
    5: (16, 16, 8, 4, 2, 1),
    6: (16, 16, 8, 8, 4, 2, 1),
    7: (16, 16, 8, 8, 4, 2, 1, 1),
}


def generator_widths(resolution: Resolution, width: int, network: str = "this network") -> list[int]:
    """Channels of the generator's first image and after each doubling.

    Args:
        resolution: Height and width of the images, pixels.
        width: The paper's ch.
        network: Name of the network, for the error.

    Returns:
        List of ints, from the smallest image to the largest.

    Raises:
        UsageError: A side is odd or below 8, or the images are too large for the paper's tables.
    """
    count = halvings(resolution, network)
    if min(height_and_width(resolution)) < _LARGE:
        return [4 * width] * (count + 1)
    if count not in _MULTIPLES:
        raise UsageError(
            f"{network}: resolution={resolution!r}: expected at most {max(_MULTIPLES)} halvings, not {count}"
        )
    return [multiple * width for multiple in _MULTIPLES[count]]


def discriminator_widths(
    resolution: Resolution, width: int, network: str = "this network"
) -> tuple[list[int], int]:
    """Channels after each of the discriminator's blocks, and how many of the first blocks halve the image.

    Args:
        resolution: Height and width of the images, pixels.
        width: The paper's ch.
        network: Name of the network, for the error.

    Returns:
        List of ints from the image inwards, and an int: all but one from 48 pixels on, two of four below.

    Raises:
        UsageError: A side is odd or below 8, or the images are too large for the paper's tables.
    """
    inwards = generator_widths(resolution, width, network)[::-1]
    if min(height_and_width(resolution)) < _LARGE:
        return [4 * width] * 4, min(2, len(inwards) - 1)
    # Below 128 pixels it begins with one width, as larger ones do, where the generator ends with two.
    widths = (
        inwards
        if inwards[0] == width
        else [multiple * width for multiple in (1, 2, 4, 8, 16)][: len(inwards)]
    )
    return widths, len(widths) - 1


def conditions(module: Any, latents: jax.Array, labels: jax.Array | None) -> jax.Array | None:
    """The embedding that all batch norms of a generator share; call it inside a compact `__call__`.

    Args:
        module: A network with `classes`, `shared` and `kernel_init`.
        latents: [B, size], for the dtype.
        labels: int32 [B], or None; a sample whose label is below 0 has the embedding 0.

    Returns:
        [B, shared], or None without labels.

    Raises:
        UsageError: There are labels and no classes.
    """
    if labels is None:
        return None
    if module.classes < 1:
        raise UsageError(f"classes={module.classes}: a network with labels needs the number of classes")
    embed = nn.Embed(
        module.classes, module.shared, embedding_init=module.kernel_init, name="shared_embedding"
    )
    return jnp.where(labels[:, None] >= 0, embed(labels), 0.0).astype(latents.dtype)


class UpBlock(nn.Module):
    """Doubles the image by batch norm, ReLU and convolution, twice, beside a shortcut of one pixel.

    Attributes:
        features: Output channels.
        classes: Number of classes where batch norms have a gain and offset for each class.
        kernel_init: Initializer of all kernels.
    """

    features: int
    classes: int
    kernel_init: Callable[..., Any]

    @nn.compact
    def __call__(
        self, x: jax.Array, labels: jax.Array | None, vectors: jax.Array | None, *, train: bool
    ) -> jax.Array:
        """[B, H, W, C], labels int32 [B] or None, vectors [B, F] or None, to [B, 2H, 2W, features].

        Batch norms hear the vectors, if there are any, else the labels.
        """

        def activate(x: jax.Array) -> jax.Array:
            if vectors is None:
                return nn.relu(ConditionalBatchNorm(self.classes, epsilon=1e-5)(x, labels, train=train))
            return nn.relu(LinearBatchNorm(kernel_init=self.kernel_init)(x, vectors, train=train))

        def conv(x: jax.Array, side: int) -> jax.Array:
            return Conv(self.features, (side, side), kernel_init=self.kernel_init)(x)

        residual = conv(activate(conv(repeat_pixels(activate(x)), 3)), 3)
        # A convolution of one pixel commutes with repeating pixels; before them it has a quarter of the work.
        return residual + repeat_pixels(conv(x, 1))


class Generator(nn.Module):
    """A dense layer to a small image, blocks that double it, batch norm, ReLU and a convolution.

    With labels, all batch norms in the blocks share one embedding of the class. Latents are cut into as many
    chunks as there are blocks and one more: the first goes to the dense layer, and each other one stands
    beside the embedding in its block. The paper's sizes have chunks of 20: 120 latents at 128 pixels, 140 at
    256.

    Attributes:
        resolution: Height and width of the images, pixels, each even and at least 8; one int is a square.
        channels: Channels of the images.
        classes: Number of classes for a network with labels.
        width: The paper's ch.
        attention: Smaller sides of images with self-attention, pixels, as in `resnet.Generator`.
        shared: Dimensions of the shared embedding. 0 for a gain and an offset of each class in every batch
            norm, which then hear no latents.
        skip: Whether blocks hear chunks of the latents; else all of them go to the dense layer.
        kernel_init: Initializer of all kernels and of the embedding: `orthogonal`, or `normal` with deviation
            0.02.
    """

    resolution: Resolution
    channels: int
    classes: int = 0
    width: int = 96
    attention: tuple[int, ...] = ()
    shared: FromZero = 128
    skip: bool = True
    kernel_init: Callable[..., Any] = orthogonal

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to images in [-1, 1], [B, H, W, channels].

        Raises:
            UsageError: Latents cannot be cut into equal chunks, or blocks would hear them without `shared`.
        """
        first, *widths = generator_widths(self.resolution, self.width, name_of(self))
        height, columns = (side >> len(widths) for side in height_and_width(self.resolution))
        places = attended(
            [min(height, columns) << block for block in range(1, len(widths) + 1)], self.attention
        )
        embedded = conditions(self, latents, labels) if self.shared else None
        start, *chunks = self._chunks(latents, len(widths))
        x = nn.Dense(height * columns * first, kernel_init=self.kernel_init)(start)
        x = x.reshape(-1, height, columns, first)
        for block, (width, chunk) in enumerate(zip(widths, chunks)):
            parts = [part for part in (embedded, chunk) if part is not None]
            vectors = jnp.concatenate(parts, axis=-1) if parts else None
            x = UpBlock(width, self.classes, self.kernel_init)(x, labels, vectors, train=train)
            x = SelfAttention(self.kernel_init)(x) if block in places else x
        x = nn.relu(LinearBatchNorm()(x, train=train))
        return jnp.tanh(Conv(self.channels, (3, 3), kernel_init=self.kernel_init)(x))

    def _chunks(self, latents: jax.Array, blocks: int) -> list[Any]:
        """What the dense layer and each block hear of the latents; None for nothing."""
        if not self.skip:
            return [latents, *[None] * blocks]
        if not self.shared:
            raise UsageError(f"{name_of(self)}: skip=True: blocks hear latents beside a shared embedding")
        size = latents.shape[-1]
        if size % (blocks + 1):
            raise UsageError(
                f"{name_of(self)}: {size} latents: expected a multiple of {blocks + 1}, a chunk for the "
                f"dense layer and one for each of {blocks} blocks"
            )
        return jnp.split(latents, blocks + 1, axis=-1)


class Discriminator(nn.Module):
    """Residual blocks that halve the image, ReLU, the sum over pixels, and a dense layer to a logit.

    The paper's has `heads=dict(projection={})`. Labels stand beside the image as planes, unless a head uses
    the classes.

    Attributes:
        classes: Number of classes for a network with labels or with a head that predicts them.
        width: The paper's ch.
        attention: Smaller sides of images with self-attention, pixels, as in `resnet.Discriminator`.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
        kernel_init: Initializer of all kernels: `orthogonal`, or `normal` with deviation 0.02.
    """

    classes: int = 0
    width: int = 96
    attention: tuple[int, ...] = ()
    heads: Any = LOGITS
    kernel_init: Callable[..., Any] = orthogonal

    @nn.compact
    def __call__(
        self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Images [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        size = images.shape[1], images.shape[2]
        widths, halved = discriminator_widths(size, self.width, name_of(self))
        places = attended(
            [min(size) >> min(block, halved) for block in range(1, len(widths) + 1)], self.attention
        )
        init = self.kernel_init
        x = append_label_planes(images, input_labels(self.heads, labels), self.classes)
        for block, width in enumerate(widths):
            x = DownBlock(width, width, block < halved, block > 0, kernel_init=init, shortcut_init=init)(x)
            x = SelfAttention(init)(x) if block in places else x
        return read_out(
            self.heads,
            features=jnp.sum(nn.relu(x), axis=(1, 2)),
            labels=labels,
            classes=self.classes,
            kernel_init=init,
            train=train,
        )
