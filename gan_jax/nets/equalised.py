"""Layers with an equalised learning rate: Karras et al. 2018, arXiv:1710.10196, section 4.1.

Kernels start standard normal and are scaled where they are used, by gain / sqrt(inputs of an output): the
deviation that He et al. 2015, arXiv:1502.01852, start with. Optimizers that divide by the size of gradients,
such as Adam, then change all layers equally fast. Biases start at zero and have no scale.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from gan_jax.nets.convolution import Conv

GAIN = math.sqrt(2.0)  # In front of a rectifier.
standard_normal = nn.initializers.normal(1.0)


def scale(kernel: jax.Array, gain: float) -> float:
    """By what a kernel is multiplied.

    Args:
        kernel: [..., O], of a dense layer or a convolution.
        gain: Deviation of the outputs for inputs of deviation 1.

    Returns:
        gain / sqrt(product of all axes but the last).
    """
    return gain / math.sqrt(math.prod(kernel.shape[:-1]))


class EqualisedConv(Conv):
    """Convolution with an equalised learning rate; its further attributes are those of `Conv`.

    Attributes:
        gain: Of the scale.
    """

    kernel_init: Callable[..., Any] = standard_normal
    gain: float = GAIN

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The convolution without its bias."""
        return super().convolve(x, kernel * scale(kernel, self.gain))


class EqualisedDense(nn.Module):
    """Dense layer with an equalised learning rate.

    Attributes:
        features: Outputs.
        use_bias: Whether to add a bias.
        gain: Of the scale.
    """

    features: int
    use_bias: bool = True
    gain: float = GAIN

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, F] to [B, features]."""
        kernel = self.param("kernel", standard_normal, (x.shape[-1], self.features))
        x = x @ (kernel * scale(kernel, self.gain)).astype(x.dtype)
        if not self.use_bias:
            return x
        return x + self.param("bias", nn.initializers.zeros, (self.features,)).astype(x.dtype)
