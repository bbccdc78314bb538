"""Fully connected networks, with or without labels, for small images."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp


def _told(x, labels, classes):
    """Appends one-hot labels to the features: Mirza and Osindero 2014, arXiv:1411.1784, section 3.2."""
    return x if labels is None else jnp.concatenate([x, jax.nn.one_hot(labels, classes)], axis=-1)


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
        x = _told(latents, labels, self.classes)
        for width in self.widths:
            x = nn.leaky_relu(nn.Dense(width)(x), self.slope)
        shape = (self.resolution, self.resolution, self.channels)
        return jnp.tanh(nn.Dense(math.prod(shape))(x)).reshape(-1, *shape)


class Discriminator(nn.Module):
    """An image through hidden layers with LeakyReLU, and dropout if wanted, to a logit.

    Attributes:
        classes: Number of classes, if labels are told.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
        dropout: Share of the units dropped in training, in [0, 1).
    """

    classes: int = 0
    widths: tuple[int, ...] = (128, 128)
    slope: float = 0.01
    dropout: float = 0.0

    @nn.compact
    def __call__(self, images, labels=None, *, train):
        """Images [B, H, W, C], and labels int32 [B] or None, to `{"logits": [B]}`."""
        x = _told(images.reshape(images.shape[0], -1), labels, self.classes)
        for width in self.widths:
            x = nn.leaky_relu(nn.Dense(width)(x), self.slope)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return {"logits": nn.Dense(1)(x)[:, 0]}
