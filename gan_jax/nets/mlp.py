"""Fully connected networks, with or without labels, for small images."""

import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.nets.dropout import Dropout
from gan_jax.nets.labels import append_labels
from gan_jax.nets.readout import LOGITS, input_labels, read_out


class Generator(nn.Module):
    """Latents through hidden layers with LeakyReLU to an image in [-1, 1].

    Goodfellow et al. 2014, arXiv:1406.2661, in the sizes that tutorials use; tanh in place of sigmoid, since
    images are in [-1, 1].

    Attributes:
        resolution: Height and width of the images, pixels.
        channels: Channels of the images.
        classes: Number of classes, if labels are told.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
    """

    resolution: int
    channels: int
    classes: int = 0
    widths: tuple[int, ...] = (128, 128)
    slope: float = 0.01

    @nn.compact
    def __call__(self, latents, labels=None, *, train):
        """[B, size], and labels int32 [B] or None, to images [B, resolution, resolution, channels]."""
        x = append_labels(latents, labels, self.classes)
        for width in self.widths:
            x = nn.leaky_relu(nn.Dense(width)(x), self.slope)
        shape = (self.resolution, self.resolution, self.channels)
        return jnp.tanh(nn.Dense(math.prod(shape))(x)).reshape(-1, *shape)


class Discriminator(nn.Module):
    """An image through hidden layers with LeakyReLU, and dropout if wanted, to a logit.

    Labels that it is told stand beside the image, unless a head is about classes.

    Attributes:
        classes: Number of classes, if labels are told or a head predicts them.
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
    def __call__(self, images, labels=None, *, train):
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
