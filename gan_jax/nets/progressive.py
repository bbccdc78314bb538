"""Progressive GAN: networks that grow level by level while they train.

Karras et al. 2018, arXiv:1710.10196, sections 2 to 4 and appendix A. Kernels start standard normal and are
scaled where they are used; every convolution of the generator ends in pixel norm. The smallest image is that
which halving gives: 4 pixels for 32 to 1024, 7 for 28, 6 for 96.

All parameters exist from the start, so that a run's state keeps its shapes. The fact `levels_to_come`, which a
stage of a recipe sets, says how many of the largest levels are not there yet. A level that is new hears in
its carry how far it has replaced the one before (`types.FADE`).
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.equalised import GAIN, EqualisedConv, EqualisedDense, standard_normal
from gan_jax.nets.labels import append_label_planes, append_labels
from gan_jax.nets.layers import MinibatchStandardDeviation, pixel_norm
from gan_jax.nets.linen import name_of
from gan_jax.nets.readout import LOGITS, input_labels, read_out
from gan_jax.nets.resampling import halvings as levels_of
from gan_jax.nets.resampling import mean_pool, repeat_pixels
from gan_jax.types import FADE

_SLOPE = 0.2


def level_widths(widths: tuple[int, ...], levels: int) -> list[int]:
    """Channels of each level, the smallest image first.

    Args:
        widths: Channels of the levels; the last one holds for all further ones. Empty for the paper's: 512 up
            to the fourth level, 32 pixels of 1024, and half as many in each further one.
        levels: Number of levels.

    Returns:
        List of ints.
    """
    if not widths:
        return [min(2**13 // 2 ** (level + 1), 512) for level in range(levels)]
    return [*widths, *[widths[-1]] * levels][:levels]


def _hidden(x: jax.Array, width: int, name: str) -> jax.Array:
    """A convolution of 3 x 3 pixels and LeakyReLU."""
    return nn.leaky_relu(EqualisedConv(width, (3, 3), name=name)(x), _SLOPE)


def _share(module: nn.Module, x: jax.Array) -> jax.Array:
    """How far the newest level has replaced the one before; a run's stages write it into the carry."""
    share = module.variable(*FADE, lambda: jnp.ones((), jnp.float32)).value
    return share.astype(x.dtype)


def _mixed(share: jax.Array, old: jax.Array, new: jax.Array) -> jax.Array:
    """Between old and new; written so that 0 and 1 give either of them exactly."""
    return (1 - share) * old + share * new


class Generator(nn.Module):
    """A dense layer to a small image and a convolution, then levels that double it and have two each.

    Images are about in [-1, 1]; there is no tanh. Latents, and one-hot labels beside them, are normalised
    together.

    Attributes:
        resolution: Height and width of the images of this stage, pixels; one int is a square.
        channels: Channels of the images.
        classes: Number of classes for a network with labels.
        levels_to_come: Levels that are not there yet.
        widths: Channels of the levels, the smallest image first; the last one holds for all further ones, and
            () is the paper's.
    """

    resolution: Resolution
    channels: int
    classes: int = 0
    levels_to_come: int = 0
    widths: tuple[int, ...] = ()

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to images [B, H, W, channels]."""
        size = tuple(side << self.levels_to_come for side in height_and_width(self.resolution))
        doublings = levels_of((size[0], size[1]), name_of(self))
        height, columns = (side >> doublings for side in size)
        first, *widths = level_widths(self.widths, doublings + 1)
        last = doublings - (0 if self.is_initializing() else self.levels_to_come)
        _check_levels(self, doublings)

        x = pixel_norm(append_labels(latents, labels, self.classes))
        x = EqualisedDense(height * columns * first, use_bias=False, gain=GAIN / 4, name="latents")(x)
        x = x.reshape(-1, height, columns, first)
        x = x + self.param("bias", nn.initializers.zeros, (first,)).astype(x.dtype)
        x = pixel_norm(nn.leaky_relu(x, _SLOPE))
        x = pixel_norm(_hidden(x, first, "conv_0_0"))
        images = _image(x, self.channels, 0)
        for level, width in enumerate(widths[:last], 1):
            x = repeat_pixels(x)
            for number in range(2):
                x = pixel_norm(_hidden(x, width, f"conv_{level}_{number}"))
            older, images = images, _image(x, self.channels, level)
        share = _share(self, images)
        return _mixed(share, repeat_pixels(older), images) if last else images


def _image(x: jax.Array, channels: int, level: int) -> jax.Array:
    """The image of a level."""
    return EqualisedConv(channels, (1, 1), gain=1.0, name=f"image_{level}")(x)


class Discriminator(nn.Module):
    """Levels of two convolutions that halve the image, the deviation over the batch, and two dense layers.

    Labels stand beside the image as planes, unless a head uses the classes.

    Attributes:
        classes: Number of classes for a network with labels or with a head that predicts them.
        levels_to_come: Levels that are not there yet.
        widths: Channels of the levels, as in the generator.
        group_size: Samples over which deviations are taken, a divisor of the batch; see
            `MinibatchStandardDeviation`.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
    """

    classes: int = 0
    levels_to_come: int = 0
    widths: tuple[int, ...] = ()
    group_size: int = 4
    heads: Any = LOGITS

    @nn.compact
    def __call__(
        self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Images [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        if self.is_initializing():  # All levels, which images of this stage would not reach.
            images = images.repeat(2**self.levels_to_come, 1).repeat(2**self.levels_to_come, 2)
        missing = 0 if self.is_initializing() else self.levels_to_come
        last = levels_of((images.shape[1] << missing, images.shape[2] << missing), name_of(self)) - missing
        _check_levels(self, last + missing)
        widths = level_widths(self.widths, last + 2)
        images = append_label_planes(images, input_labels(self.heads, labels), self.classes)

        share = _share(self, images)
        x = _features(images, widths[last], last)
        for level in range(last, 0, -1):
            x = _hidden(x, widths[level], f"conv_{level}_0")
            x = mean_pool(_hidden(x, widths[level - 1], f"conv_{level}_1"))
            if level == last or self.is_initializing():  # Only the newest level fades in.
                images = mean_pool(images)
                x = _mixed(share, _features(images, widths[level - 1], level - 1), x)
        x = MinibatchStandardDeviation(self.group_size)(x)
        x = _hidden(x, widths[0], "conv_0_0")
        x = nn.leaky_relu(EqualisedDense(widths[0], name="dense")(x.reshape(len(x), -1)), _SLOPE)
        # Scaled instead of the kernels of the heads, which start standard normal.
        return read_out(
            self.heads,
            features=x / math.sqrt(widths[0]),
            labels=labels,
            classes=self.classes,
            kernel_init=standard_normal,
            train=train,
        )


def _features(images: jax.Array, width: int, level: int) -> jax.Array:
    """The features of the images of a level."""
    return nn.leaky_relu(EqualisedConv(width, (1, 1), name=f"features_{level}")(images), _SLOPE)


def _check_levels(module, doublings):
    """The smallest level is always there."""
    if module.levels_to_come > doublings:
        raise UsageError(
            f"{name_of(module)}: images of this size are halved {doublings} times at most, and the stage has "
            f"levels_to_come={module.levels_to_come}"
        )
