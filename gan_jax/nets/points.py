"""Networks for points of the plane, without bounds on where these lie."""

import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.nets.labels import append_labels
from gan_jax.nets.readout import LOGITS, input_labels, read_out


class Generator(nn.Module):
    """Latents through hidden layers with batch norm and ReLU to a point, as a linear function of the last.

    Lin et al. 2018, arXiv:1712.04086, section 4.1: four layers of 400 units.

    Attributes:
        resolution: Height and width of the data, 1 for points.
        channels: Coordinates.
        classes: Number of classes, if labels are told.
        widths: Units of each hidden layer.
        batch_norm: Normalise every hidden layer.
    """

    resolution: int
    channels: int
    classes: int = 0
    widths: tuple[int, ...] = (400, 400, 400, 400)
    batch_norm: bool = True

    @nn.compact
    def __call__(self, latents, labels=None, *, train):
        """[B, size], and labels int32 [B] or None, to points [B, resolution, resolution, channels]."""
        x = append_labels(latents, labels, self.classes)
        for width in self.widths:
            x = nn.Dense(width, use_bias=not self.batch_norm)(x)
            if self.batch_norm:
                x = BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)(x)
            x = nn.relu(x)
        shape = (self.resolution, self.resolution, self.channels)
        return nn.Dense(math.prod(shape))(x).reshape(-1, *shape)


class Discriminator(nn.Module):
    """A point through hidden layers of maxout units to a logit.

    Lin et al. 2018, arXiv:1712.04086, section 4.1: three layers of 200 units of five pieces. Maxout is that
    of Goodfellow et al. 2013, arXiv:1302.4389, section 2: the largest of several linear functions.

    Attributes:
        classes: Number of classes, if labels are told or a head predicts them.
        widths: Units of each hidden layer.
        pieces: Linear functions a unit.
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
    """

    classes: int = 0
    widths: tuple[int, ...] = (200, 200, 200)
    pieces: int = 5
    heads: Any = LOGITS

    @nn.compact
    def __call__(self, points, labels=None, *, train):
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
