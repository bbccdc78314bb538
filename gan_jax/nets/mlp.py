"""Fully connected networks, with or without labels, for small images."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.dropout import Dropout
from gan_jax.nets.labels import append_labels
from gan_jax.nets.readout import LOGITS, input_labels, read_out


class Generator(nn.Module):
    """Latents through hidden layers with LeakyReLU to an image in [-1, 1].

    Goodfellow et al. 2014, arXiv:1406.2661, in the sizes of tutorials; tanh instead of sigmoid, since images
    are in [-1, 1].

    Attributes:
        resolution: Height and width of the images, pixels; one int is a square.
        channels: Channels of the images.
        classes: Number of classes for a network with labels.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
    """

    resolution: Resolution
    channels: int
    classes: int = 0
    widths: tuple[int, ...] = (128, 128)
    slope: float = 0.01

    @nn.compact
    def __call__(self, latents: jax.Array, labels: jax.Array | None = None, *, train: bool) -> jax.Array:
        """[B, size], and labels int32 [B] or None, to images [B, H, W, channels]."""
        x = append_labels(latents, labels, self.classes)
        for width in self.widths:
            x = nn.leaky_relu(nn.Dense(width)(x), self.slope)
        shape = (*height_and_width(self.resolution), self.channels)
        return jnp.tanh(nn.Dense(math.prod(shape))(x)).reshape(-1, *shape)


class Discriminator(nn.Module):
    """An image through hidden layers with LeakyReLU and optional dropout to a logit.

    Labels stand beside the image, unless a head uses the classes.

    Attributes:
        classes: Number of classes for a network with labels or with a head that predicts them.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
        dropout: Share of the units dropped in training, in [0, 1).
        heads: Dict of heads with their hyperparameters, see `nets/heads.py`.
    """

    classes: int = 0
    widths: tuple[int, ...] = (128, 128)
    slope: float = 0.01
    dropout: float = 0.0
    heads: Any = LOGITS

    @nn.compact
    def __call__(
        self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """Images [B, H, W, C], and labels int32 [B] or None, to a dict of heads, `logits` [B] among them."""
        beside = input_labels(self.heads, labels)
        x = append_labels(images.reshape(images.shape[0], -1), beside, self.classes)
        for width in self.widths:
            x = nn.leaky_relu(nn.Dense(width)(x), self.slope)
            x = Dropout(self.dropout)(x, train=train)
        return read_out(
            self.heads,
            features=x,
            labels=labels,
            classes=self.classes,
            kernel_init=nn.initializers.lecun_normal(),
            train=train,
        )
