"""The discriminator of Real-ESRGAN: a U-Net with a logit for every pixel.

Wang et al. 2021, arXiv:2107.10833, section 3.3.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets.convolution import Conv
from gan_jax.nets.linen import name_of
from gan_jax.nets.sizes import divided


def _bilinear(x: jax.Array) -> jax.Array:
    """Twice as large by bilinear interpolation: [B, H, W, C] to [B, 2H, 2W, C]."""
    batch, height, width, channels = x.shape
    return jax.image.resize(x, (batch, 2 * height, 2 * width, channels), "linear")


class Discriminator(nn.Module):
    """Three halvings, three doublings to which the features of each size are added, and a logit for every pixel.

    Wang et al. 2021, arXiv:2107.10833, section 3.3. The paper's spectral norm is a wrapper,
    `wrap=dict(spectral_norm={})`, which here normalises the first and the last convolution too. Height and
    width are multiples of 8.

    Attributes:
        width: Channels after the first convolution; each halving doubles them.
        slope: LeakyReLU's slope below zero.
    """

    width: int = 64
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, source: jax.Array | None = None, *, train: bool) -> dict[str, Any]:
        """Where images look real.

        Args:
            images: [B, H, W, C].
            source: [B, H, W, any number], which stands beside the images as further channels; or None.
            train: Not used.

        Returns:
            Dict of `logits` [B, H, W].
        """
        del train
        divided(images, 8, name_of(self))
        x = images if source is None else jnp.concatenate([images, source], axis=-1)
        sizes = [self._activated(Conv(self.width, (3, 3))(x))]
        for level in range(1, 4):
            halve = Conv(self.width << level, (4, 4), (2, 2), use_bias=False)
            sizes.append(self._activated(halve(sizes[-1])))
        x = sizes.pop()
        for level in range(2, -1, -1):
            x = self._activated(Conv(self.width << level, (3, 3), use_bias=False)(_bilinear(x))) + sizes.pop()
        for _ in range(2):
            x = self._activated(Conv(self.width, (3, 3), use_bias=False)(x))
        return {"logits": Conv(1, (3, 3))(x)[..., 0]}

    def _activated(self, x: jax.Array) -> jax.Array:
        return nn.leaky_relu(x, self.slope)
