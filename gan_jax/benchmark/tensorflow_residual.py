"""The residual networks of the cases in Keras: those of SNGAN and of R3GAN."""

import functools
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
from keras import layers

from gan_jax.benchmark.arithmetic import halved, halvings, stages
from gan_jax.benchmark.tensorflow_layers import Basis, GroupedConv2D, Smooth, WeightedSum

_batch_norm = functools.partial(layers.BatchNormalization, momentum=0.9, epsilon=2e-5)


class UpBlock(layers.Layer):
    """`residual.UpBlock`."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first_norm = _batch_norm()
        self.first = layers.Conv2D(features, 3, padding="same", use_bias=False)
        self.second_norm = _batch_norm()
        self.second = layers.Conv2D(features, 3, padding="same")
        self.shortcut = layers.Conv2D(features, 1)
        self.double = layers.UpSampling2D(2)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        residual = tf.nn.relu(self.first_norm(x, training=training))
        residual = self.first(self.double(residual))
        residual = self.second(tf.nn.relu(self.second_norm(residual, training=training)))
        return residual + self.double(self.shortcut(x))


class DownBlock(layers.Layer):
    """`residual.DownBlock`; the channels between its convolutions are those of its output."""

    def __init__(
        self, inputs: int, features: int, halve: bool, activate: bool, conv: Callable[..., layers.Layer]
    ) -> None:
        super().__init__()
        self.halve, self.activate = halve, activate
        self.first, self.second = (conv(features, 3, padding="same") for _ in range(2))
        self.shortcut = conv(features, 1, padding="same") if halve or inputs != features else tf.identity

    def call(self, x: tf.Tensor) -> tf.Tensor:
        residual = self.second(tf.nn.relu(self.first(tf.nn.relu(x) if self.activate else x)))
        if self.halve:
            residual, x = (tf.nn.avg_pool2d(image, 2, 2, "VALID") for image in (residual, x))
        return residual + self.shortcut(x)


class SumOfPixels(layers.Layer):
    """ReLU and the sum over pixels, [B, H, W, C] to [B, C]."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.nn.relu(x), (1, 2))


def resnet_generator(resolution: int, channels: int, *, width: int) -> keras.Model:
    """`resnet.Generator` below 48 pixels."""
    count = halvings(resolution)
    size = resolution >> count
    return keras.Sequential(
        [
            layers.Dense(size * size * width),
            layers.Reshape((size, size, width)),
            *[UpBlock(width) for _ in range(count)],
            _batch_norm(),
            layers.ReLU(),
            layers.Conv2D(channels, 3, padding="same", activation="tanh"),
        ]
    )


def resnet_discriminator(
    resolution: int,
    channels: int,
    *,
    width: int,
    conv: Callable[..., layers.Layer] = layers.Conv2D,
    dense: Callable[..., layers.Layer] = layers.Dense,
) -> keras.Model:
    """`resnet.Discriminator` below 48 pixels."""
    blocks: list[layers.Layer] = []
    inputs, before = channels, resolution
    for size in halved(resolution):
        blocks.append(DownBlock(inputs, width, size < before, bool(blocks), conv))
        inputs, before = width, size
    return keras.Sequential([*blocks, SumOfPixels(), dense(1)])


class Block(layers.Layer):
    """`r3gan.Block`."""

    def __init__(self, channels: int, expansion: int = 2, group_width: int = 16) -> None:
        super().__init__()
        inner = expansion * channels
        self.widen = layers.Conv2D(inner, 1)
        self.middle = GroupedConv2D(inner, inner // group_width)
        self.narrow = layers.Conv2D(channels, 1, use_bias=False, kernel_initializer="zeros")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        y = tf.nn.leaky_relu(self.widen(x), 0.2)
        return x + self.narrow(tf.nn.leaky_relu(self.middle(y), 0.2))


def _linear(inputs, outputs):
    return [] if inputs == outputs else [layers.Conv2D(outputs, 1, use_bias=False)]


def r3gan_generator(resolution: int, channels: int, *, widths: Sequence[int], blocks: int) -> keras.Model:
    """`r3gan.Generator`."""
    inputs, *others = reversed(stages(resolution, widths))
    parts = [Basis(inputs, resolution >> len(others)), *[Block(inputs) for _ in range(blocks)]]
    for width in others:
        parts += [*_linear(inputs, width), Smooth(up=True), *[Block(width) for _ in range(blocks)]]
        inputs = width
    return keras.Sequential([*parts, layers.Conv2D(channels, 1, use_bias=False)])


def r3gan_discriminator(resolution: int, channels: int, *, widths: Sequence[int], blocks: int) -> keras.Model:
    """`r3gan.Discriminator`."""
    inputs, *others = stages(resolution, widths)
    parts = [layers.Conv2D(inputs, 1, use_bias=False), *[Block(inputs) for _ in range(blocks)]]
    for width in others:
        parts += [Smooth(up=False), *_linear(inputs, width), *[Block(width) for _ in range(blocks)]]
        inputs = width
    return keras.Sequential([*parts, WeightedSum(), layers.Dense(1, use_bias=False)])
