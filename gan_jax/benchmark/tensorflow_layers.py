"""Layers that Keras does not have, or defines differently."""

import keras
import tensorflow as tf
from keras import layers


def _normalised(kernel, vector):
    """A kernel over its largest singular value, after one power iteration that moves `vector`.

    Keras's own SpectralNormalization overwrites the kernel and has no gradient through the singular value.
    """
    matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
    stopped = tf.stop_gradient(matrix)
    left = tf.math.l2_normalize(tf.linalg.matvec(stopped, vector))
    right = tf.math.l2_normalize(tf.linalg.matvec(stopped, left, transpose_a=True))
    vector.assign(right)
    return kernel / tf.tensordot(left, tf.linalg.matvec(matrix, right), 1)


class SpectralConv2D(layers.Conv2D):
    """A convolution under spectral norm; SAME padding, no activation."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.vector = self.add_weight(shape=(self.filters,), initializer="random_normal", trainable=False)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel = _normalised(self.kernel, self.vector)
        return tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, self.strides, "SAME"), self.bias)


class SpectralDense(layers.Dense):
    """A dense layer under spectral norm; no activation."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.vector = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=False)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.matmul(inputs, _normalised(self.kernel, self.vector)) + self.bias


class GroupedConv2D(layers.Layer):
    """A convolution of 3 by 3 pixels in groups of channels, as one convolution per group.

    TensorFlow has no gradient of grouped convolutions on the CPU; Keras hands them to XLA, which is slow.

    Args:
        features: Output channels, as many as there are input channels.
        groups: Number of groups.
    """

    def __init__(self, features: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.parts = [layers.Conv2D(features // groups, 3, padding="same") for _ in range(groups)]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        parts = zip(self.parts, tf.split(x, self.groups, axis=3))
        return tf.concat([conv(part) for conv, part in parts], axis=3)


class Smooth(layers.Layer):
    """`smooth_upsample` or `smooth_downsample`: a fixed filter with stride 2, the same for each channel.

    Args:
        up: True doubles the size of the image, False halves it.
    """

    def __init__(self, up: bool) -> None:
        super().__init__()
        self.up = up

    def call(self, x: tf.Tensor) -> tf.Tensor:
        taps = tf.constant([1.0, 3.0, 3.0, 1.0]) / (4.0 if self.up else 8.0)
        batch, (height, width, channels) = tf.shape(x)[0], x.shape[1:]
        taps = tf.tile(tf.tensordot(taps, taps, 0)[:, :, None, None], (1, 1, channels, 1))
        strides, padding = [1, 2, 2, 1], [[0, 0], [1, 1], [1, 1], [0, 0]]
        if self.up:
            shape = tf.stack([batch, 2 * height, 2 * width, channels])
            return tf.ensure_shape(
                tf.nn.depthwise_conv2d_backprop_input(shape, taps, x, strides, padding),
                (None, 2 * height, 2 * width, channels),
            )
        return tf.nn.depthwise_conv2d(x, taps, strides, padding)


class Basis(layers.Layer):
    """The learned small image of `r3gan.Generator`, scaled by the latents.

    Args:
        channels: Channels of the image.
        size: Its height and width, pixels.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.scale = layers.Dense(channels, use_bias=False)
        self.image = self.add_weight(
            shape=(size, size, channels), initializer=keras.initializers.RandomNormal(stddev=1.0)
        )

    def call(self, latents: tf.Tensor) -> tf.Tensor:
        return self.image * self.scale(latents)[:, None, None]


class WeightedSum(layers.Layer):
    """The last layer of `r3gan.Discriminator` before its logit: each channel's weighted sum over pixels."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.image = self.add_weight(
            shape=shape[1:], initializer=keras.initializers.RandomNormal(stddev=1.0 / shape[1])
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(x * self.image, (1, 2))
