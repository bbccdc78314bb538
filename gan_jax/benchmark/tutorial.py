"""The networks of TensorFlow's DCGAN tutorial for 28 pixels, which differ from the paper's in many places.

https://www.tensorflow.org/tutorials/generative/dcgan, with the defaults of Keras written out: Glorot uniform
kernels, LeakyReLU 0.3, batch norm with momentum 0.99 and epsilon 1e-3.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.nets.convolution import Conv, ConvTranspose
from gan_jax.nets.dropout import Dropout

_glorot = nn.initializers.glorot_uniform()
_SLOPE = 0.3


class Generator(nn.Module):
    """A dense layer to 7x7, and three transposed convolutions with strides 1, 2 and 2.

    Attributes:
        channels: Channels of the images.
    """

    channels: int = 1

    @nn.compact
    def __call__(self, latents: jax.Array, *, train: bool) -> jax.Array:
        """[B, size] to images in [-1, 1], [B, 28, 28, channels]."""

        def activate(x):
            norm = BatchNorm(use_running_average=not train, momentum=0.99, epsilon=1e-3)
            return nn.leaky_relu(norm(x), _SLOPE)

        x = activate(nn.Dense(7 * 7 * 256, use_bias=False, kernel_init=_glorot)(latents))
        x = x.reshape(-1, 7, 7, 256)
        for width, stride in ((128, 1), (64, 2)):
            strides = (stride, stride)
            x = activate(ConvTranspose(width, (5, 5), strides, use_bias=False, kernel_init=_glorot)(x))
        return jnp.tanh(ConvTranspose(self.channels, (5, 5), (2, 2), use_bias=False, kernel_init=_glorot)(x))


class Discriminator(nn.Module):
    """Two strided convolutions with LeakyReLU and dropout, and a dense layer to a logit."""

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, 28, 28, C] to `{"logits": [B]}`."""
        x = images
        for width in (64, 128):
            x = nn.leaky_relu(Conv(width, (5, 5), (2, 2), kernel_init=_glorot)(x), _SLOPE)
            x = Dropout(0.3)(x, train=train)
        return {"logits": nn.Dense(1, kernel_init=_glorot)(x.reshape(x.shape[0], -1))[:, 0]}
