"""R3GAN: residual networks without any normalisation.

Huang et al. 2025, arXiv:2501.05441, section 4 and appendix. Blocks are a convolution of one pixel that
widens, one of 3 by 3 pixels in groups of channels, and one of one pixel that narrows and starts at zero.
Kernels in front of LeakyReLU 0.2 start with the gain sqrt(2 / (1 + 0.2^2)) L^(-1/4) for L blocks, the others
with gain 1. Generators start at the smallest image that halving gives: 7 pixels for 28, 4 for 32 and 64.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.convolution import Conv, GroupedConv
from gan_jax.nets.labels import one_hot
from gan_jax.nets.linen import name_of
from gan_jax.nets.resampling import halvings, smooth_downsample, smooth_upsample

_SLOPE = 0.2


def _normal(gain: float) -> Callable[..., Any]:
    """Normal with the deviation gain / sqrt(inputs): He et al. 2015, arXiv:1502.01852."""
    return nn.initializers.variance_scaling(gain**2, "fan_in", "normal")


def stage_widths(resolution: Resolution, widths: tuple[int, ...], network: str = "this network") -> list[int]:
    """Channels of each stage, from the image inwards.

    Args:
        resolution: Height and width of the images, pixels.
        widths: Channels from the image inwards; the last one holds for all further stages, and surplus ones
            are left out.
        network: Name of the network, for the error.

    Returns:
        List of ints, one for each size of the image.

    Raises:
        UsageError: There are no widths, or a side is odd or below 8.
    """
    if not widths:
        raise UsageError("widths=(): expected the channels of at least one stage")
    stages = halvings(resolution, network) + 1
    return [*widths, *[widths[-1]] * stages][:stages]


class Block(nn.Module):
    """Adds the output of three convolutions to an image; it starts as the identity.

    Attributes:
        expansion: Channels between the convolutions, as a multiple of the image's channels.
        group_width: Channels of each group of the middle convolution.
        blocks: Residual blocks of the whole network, the paper's L.
    """

    expansion: int
    group_width: int
    blocks: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, C] to the same shape."""
        channels = x.shape[-1]
        inner = self.expansion * channels
        if inner % self.group_width:
            raise UsageError(
                f"group_width={self.group_width}: expected a divisor of the {inner} channels in a block"
            )
        # The last of a block's 3 layers starts at zero: arXiv:1901.09321, with the exponent -1 / (2 * 3 - 2).
        init = _normal(math.sqrt(2.0 / (1.0 + _SLOPE**2)) * self.blocks ** (-1 / (2 * 3 - 2)))
        groups = inner // self.group_width
        y = nn.leaky_relu(Conv(inner, (1, 1), kernel_init=init)(x), _SLOPE)
        y = nn.leaky_relu(GroupedConv(inner, (3, 3), kernel_init=init, groups=groups)(y), _SLOPE)
        return x + Conv(channels, (1, 1), use_bias=False, kernel_init=nn.initializers.zeros)(y)


def _linear(x: jax.Array, features: int) -> jax.Array:
    """A convolution of one pixel without a bias; the identity where the channels need no change."""
    if x.shape[-1] == features:
        return x
    return Conv(features, (1, 1), use_bias=False, kernel_init=_normal(1.0))(x)


class Generator(nn.Module):
    """A learned small image scaled by the latents, stages of blocks that double it, and one linear layer.

    There is no tanh: images are about in [-1, 1]. Labels are embedded, in as many dimensions as the latents
    have, and stand beside them.

    Attributes:
        resolution: Height and width of the images, pixels, each even and at least 8; one int is a square.
        channels: Channels of the images.
        classes: Number of classes for a network with labels.
        widths: Channels of the stages from the image inwards; the last one holds for all further stages. The
            paper has (768,) for CIFAR-10, (384, 768) and (96, 192, 384, 768) for FFHQ at 64 and 256 pixels,
            and (1536,) for ImageNet.
        blocks: Residual blocks of each stage.
        expansion: Channels inside a block, as a multiple of the stage's channels.
        group_width: Channels of each group of a block's middle convolution. The paper gives the number of
            groups, 96 at 768 and at 1536 channels: groups of 16 for CIFAR-10 and FFHQ, of 32 for ImageNet.
        float32_stages: Stages, from the smallest image on, that compute in float32 where the network
            computes in bfloat16; the paper has 1. Their parameters are rounded like the others.
    """

    resolution: Resolution
    channels: int
    classes: int = 0
    widths: tuple[int, ...] = (768,)
    blocks: int = 2
    expansion: int = 2
    group_width: int = 16
    float32_stages: int = 0

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to images [B, H, W, channels]."""
        first, *others = reversed(stage_widths(self.resolution, self.widths, name_of(self)))
        blocks = self.blocks * (len(others) + 1)
        size = tuple(side >> len(others) for side in height_and_width(self.resolution))
        if labels is not None:
            embed = nn.Dense(
                latents.shape[-1], use_bias=False, kernel_init=_normal(1.0), name="embedding_of_label"
            )
            latents = jnp.concatenate(
                [latents, embed(one_hot(labels, self.classes).astype(latents.dtype))], axis=-1
            )
        dtype = latents.dtype
        latents = latents.astype(jnp.float32) if self.float32_stages else latents
        basis = self.param("basis", nn.initializers.normal(1.0), (*size, first)).astype(latents.dtype)
        x = basis * nn.Dense(first, use_bias=False, kernel_init=_normal(1.0))(latents)[:, None, None]
        for stage, width in enumerate((first, *others)):
            x = x.astype(dtype) if stage == self.float32_stages else x
            x = smooth_upsample(_linear(x, width)) if stage else x
            for _ in range(self.blocks):
                x = Block(self.expansion, self.group_width, blocks)(x)
        return Conv(self.channels, (1, 1), use_bias=False, kernel_init=_normal(1.0))(x)


class Discriminator(nn.Module):
    """One linear layer, stages of blocks with halvings between them, and a sum over pixels to a logit.

    Labels choose a vector whose product with the features is the logit: a projection without the
    unconditional part.

    Attributes:
        classes: Number of classes for a network with labels.
        widths: Channels of the stages from the image inwards; the last one holds for all further stages.
        blocks: Residual blocks of each stage.
        expansion: Channels inside a block, as a multiple of the stage's channels.
        group_width: Channels of each group of a block's middle convolution.
        float32_stages: Stages, from the smallest image on, that compute in float32, and the layers behind
            them.
    """

    classes: int = 0
    widths: tuple[int, ...] = (768,)
    blocks: int = 2
    expansion: int = 2
    group_width: int = 16
    float32_stages: int = 0

    @nn.compact
    def __call__(
        self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Images [B, H, W, C], and labels int32 [B] or None, to `{"logits": [B]}`."""
        widths = stage_widths((images.shape[1], images.shape[2]), self.widths, name_of(self))
        x = Conv(widths[0], (1, 1), use_bias=False, kernel_init=_normal(1.0))(images)
        for stage, width in enumerate(widths):
            x = x.astype(jnp.float32) if stage == len(widths) - self.float32_stages else x
            x = _linear(smooth_downsample(x), width) if stage else x
            for _ in range(self.blocks):
                x = Block(self.expansion, self.group_width, self.blocks * len(widths))(x)
        # A convolution of each channel with a kernel as large as the image.
        init = nn.initializers.normal(1.0 / math.sqrt(x.shape[1] * x.shape[2]))
        x = jnp.sum(x * self.param("basis", init, x.shape[1:]).astype(x.dtype), axis=(1, 2))
        size = 1 if labels is None else widths[-1]
        x = nn.Dense(size, use_bias=False, kernel_init=_normal(1.0))(x)
        if labels is not None:
            embed = nn.Dense(
                size, use_bias=False, kernel_init=_normal(1.0 / math.sqrt(size)), name="embedding_of_label"
            )
            x = x * embed(one_hot(labels, self.classes).astype(x.dtype))
        return {"logits": jnp.sum(x, axis=-1)}
