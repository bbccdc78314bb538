"""Networks for points of the plane, whose coordinates are not bounded."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.nets.labels import append_labels
from gan_jax.nets.readout import LOGITS, input_labels, read_out


class Generator(nn.Module):
    """Latents through hidden layers with batch norm and ReLU, and a linear layer to a point.

    Lin et al. 2018, arXiv:1712.04086, section 4.1: four layers of 400 units.

    Attributes:
        resolution: Height and width of the data; points have 1 or (1, 1).
        channels: Coordinates.
        classes: Number of classes for a network with labels.
        widths: Units of each hidden layer.
        batch_norm: Normalise every hidden layer.
    """

    resolution: Resolution
    channels: int
    classes: int = 0
    widths: tuple[int, ...] = (400, 400, 400, 400)
    batch_norm: bool = True

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to points [B, H, W, channels]."""
        x = append_labels(latents, labels, self.classes)
        for width in self.widths:
            x = nn.Dense(width, use_bias=not self.batch_norm)(x)
            if self.batch_norm:
                x = BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)(x)
            x = nn.relu(x)
        shape = (*height_and_width(self.resolution), self.channels)
        return nn.Dense(math.prod(shape))(x).reshape(-1, *shape)


class Discriminator(nn.Module):
    """A point through hidden layers of maxout units to a logit.

    Lin et al. 2018, arXiv:1712.04086, section 4.1: three layers of 200 units of five pieces. Maxout is that
    of Goodfellow et al. 2013, arXiv:1302.4389, section 2: the largest of several linear functions.

    Attributes:
        classes: Number of classes for a network with labels or with a head that predicts them.
        widths: Units of each hidden layer.
        pieces: Linear functions of each unit.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
    """

    classes: int = 0
    widths: tuple[int, ...] = (200, 200, 200)
    pieces: int = 5
    heads: Any = LOGITS

    @nn.compact
    def __call__(
        self, points: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Points [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        beside = input_labels(self.heads, labels)
        x = append_labels(points.reshape(points.shape[0], -1), beside, self.classes)
        for width in self.widths:
            x = jnp.max(nn.Dense(width * self.pieces)(x).reshape(-1, width, self.pieces), axis=-1)
        return read_out(
            self.heads,
            features=x,
            labels=labels,
            classes=self.classes,
            kernel_init=nn.initializers.lecun_normal(),
            train=train,
        )
