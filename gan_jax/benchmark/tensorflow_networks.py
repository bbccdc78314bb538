"""The networks of the cases in Keras on TensorFlow, with the same parameters as those of gan_jax."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import layers

from gan_jax.benchmark import tensorflow_residual
from gan_jax.benchmark.arithmetic import halvings
from gan_jax.benchmark.tensorflow_layers import SpectralConv2D, SpectralDense


def mlp_generator(resolution: int, channels: int, *, widths: Sequence[int], slope: float) -> keras.Model:
    """`mlp.Generator`."""
    hidden = [layer for width in widths for layer in (layers.Dense(width), layers.LeakyReLU(slope))]
    shape = (resolution, resolution, channels)
    pixels = layers.Dense(resolution**2 * channels, activation="tanh")
    return keras.Sequential([*hidden, pixels, layers.Reshape(shape)])


def mlp_discriminator(
    resolution: int, channels: int, *, widths: Sequence[int], slope: float, dropout: float
) -> keras.Model:
    """`mlp.Discriminator`."""
    hidden: list[layers.Layer] = []
    for width in widths:
        hidden += [layers.Dense(width), layers.LeakyReLU(slope)]
        hidden += [layers.Dropout(dropout)] if dropout else []
    return keras.Sequential([layers.Flatten(), *hidden, layers.Dense(1)])


def tutorial_generator(resolution: int, channels: int) -> keras.Model:
    """`tutorial.Generator`."""
    up = functools.partial(layers.Conv2DTranspose, kernel_size=5, padding="same", use_bias=False)
    return keras.Sequential(
        [
            layers.Dense(7 * 7 * 256, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Reshape((7, 7, 256)),
            up(128, strides=1),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            up(64, strides=2),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            up(channels, strides=2, activation="tanh"),
        ]
    )


def tutorial_discriminator(resolution: int, channels: int) -> keras.Model:
    """`tutorial.Discriminator`."""
    hidden: list[layers.Layer] = []
    for width in (64, 128):
        hidden += [layers.Conv2D(width, 5, 2, padding="same"), layers.LeakyReLU(0.3), layers.Dropout(0.3)]
    return keras.Sequential([*hidden, layers.Flatten(), layers.Dense(1)])


_batch_norm = functools.partial(layers.BatchNormalization, momentum=0.9, epsilon=1e-5)


def dcgan_generator(resolution: int, channels: int, *, width: int) -> keras.Model:
    """`dcgan.Generator`."""
    count = halvings(resolution)
    size, first = resolution >> count, width << (count - 1)
    up = functools.partial(layers.Conv2DTranspose, kernel_size=5, strides=2, padding="same")
    hidden = [layers.Dense(size * size * first, use_bias=False), layers.Reshape((size, size, first))]
    hidden += [_batch_norm(), layers.ReLU()]
    for level in range(1, count):
        hidden += [up(first >> level, use_bias=False), _batch_norm(), layers.ReLU()]
    return keras.Sequential([*hidden, up(channels, activation="tanh")])


def dcgan_discriminator(
    resolution: int, channels: int, *, width: int, batch_norm: bool = True
) -> keras.Model:
    """`dcgan.Discriminator`."""
    hidden: list[layers.Layer] = []
    for level in range(halvings(resolution)):
        normed = batch_norm and level > 0
        hidden.append(layers.Conv2D(width << level, 5, 2, padding="same", use_bias=not normed))
        hidden += [_batch_norm()] if normed else []
        hidden.append(layers.LeakyReLU(0.2))
    return keras.Sequential([*hidden, layers.Flatten(), layers.Dense(1)])


NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "mlp.Generator": mlp_generator,
    "mlp.Discriminator": mlp_discriminator,
    "gan_jax.benchmark.tutorial.Generator": tutorial_generator,
    "gan_jax.benchmark.tutorial.Discriminator": tutorial_discriminator,
    "dcgan.Generator": dcgan_generator,
    "dcgan.Discriminator": dcgan_discriminator,
    "resnet.Generator": tensorflow_residual.resnet_generator,
    "resnet.Discriminator": tensorflow_residual.resnet_discriminator,
    "r3gan.Generator": tensorflow_residual.r3gan_generator,
    "r3gan.Discriminator": tensorflow_residual.r3gan_discriminator,
}


def network(spec: Mapping[str, Any], resolution: int, channels: int, shape: tuple[int, ...]) -> keras.Model:
    """A network of a recipe, with its variables.

    Args:
        spec: `nets.<player>` of the recipe.
        resolution: Height and width of the images, pixels.
        channels: Channels of the images.
        shape: Shape of its input, without the batch.

    Returns:
        keras.Model.
    """
    options = {name: value for name, value in spec.items() if name not in ("name", "wrap")}
    if "spectral_norm" in spec.get("wrap", {}):
        options |= dict(conv=SpectralConv2D, dense=SpectralDense)
    net = NETWORKS[spec["name"]](resolution, channels, **options)
    net(keras.ops.zeros((1, *shape)))
    return net
