"""PatchGAN: a discriminator with a logit for every patch of an image.

Isola et al. 2016, arXiv:1611.07004, sections 3.2.2 and 6.1.2; Zhu et al. 2017, arXiv:1703.10593. A logit sees
1, 16, 34, 70, 142 or 286 pixels of each side at 0 to 5 halvings. Weights start normal with deviation 0.02.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.names import FromZero, find
from gan_jax.nets import norms
from gan_jax.nets.convolution import PaddedConv
from gan_jax.nets.linen import name_of
from gan_jax.seams import described

_normal = nn.initializers.normal(0.02)


class Discriminator(nn.Module):
    """Convolutions of 4 by 4 pixels that halve, two that do not, and a logit for each patch.

    Isola et al. 2016, arXiv:1611.07004, section 6.1.2. Without halvings it is the paper's PixelGAN, three
    convolutions of one pixel. Normalised are all but the first and the last convolution.

    Attributes:
        width: Channels after the first convolution; each further one doubles them, up to eight times.
        halvings: Number of halvings; 3 is the paper's field of 70 pixels. From 1 on, images have at least
            3 * 2^halvings pixels a side.
        norm: Name of a normalisation, see `nets/norms.py`, or a function like them. The paper has batch norm
            at a batch of one image, which is the default; under a penalty on gradients take `no_norm`.
        slope: LeakyReLU's slope below zero.
    """

    width: int = 64
    halvings: FromZero = 3
    norm: Any = "affine_instance_norm"
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, source: jax.Array | None = None, *, train: bool) -> dict[str, Any]:
        """Whether images are real, and belong to their sources.

        Args:
            images: [B, H, W, C].
            source: [B, H, W, any number], which stands beside the images as further channels; or None.
            train: Whether batch norm uses the batch's statistics.

        Returns:
            Dict of `logits`, [B, h, w]: one of each patch; and of `layers`, a tuple of the features of each
            convolution before, [B, ...], which the loss `layer_matching` compares.
        """
        x = self._checked(images, source)
        norm, layers = find(self.norm, (norms,), "norm"), []
        for layer, (features, stride) in enumerate(self._plan()):
            normed = layer > 0 and norm is not norms.no_norm
            x = self._conv(features, stride, use_bias=not normed)(x)
            x = nn.leaky_relu(norm(train)(x) if normed else x, self.slope)
            layers.append(x)
        return {"logits": self._conv(1, 1)(x)[..., 0], "layers": tuple(layers)}

    def _plan(self) -> list[tuple[int, int]]:
        """Channels and stride of each convolution but the last."""
        if not self.halvings:
            return [(self.width, 1), (2 * self.width, 1)]
        halving = [(self.width << min(level, 3), 2) for level in range(self.halvings)]
        return [*halving, (self.width << min(self.halvings, 3), 1)]

    def _conv(self, features: int, stride: int, use_bias: bool = True) -> PaddedConv:
        size, padding = (4, 1) if self.halvings else (1, 0)
        return PaddedConv(
            features, (size, size), (stride, stride), use_bias, kernel_init=_normal, padding=padding
        )

    def _checked(self, images: jax.Array, source: jax.Array | None) -> jax.Array:
        """The images, with their sources beside them."""
        name, least = name_of(self), 3 << self.halvings if self.halvings else 1
        if min(images.shape[1:3]) < least:
            height, width = images.shape[1:3]
            raise UsageError(
                f"{name}: images of {height} x {width} pixels: expected at least {least} a side at "
                f"halvings={self.halvings}"
            )
        if source is None:
            return images
        if source.ndim != 4 or source.shape[:3] != images.shape[:3]:
            raise UsageError(
                f"{name}: got {described(source)} beside images {list(images.shape)}: expected images of "
                "their height and width"
            )
        return jnp.concatenate([images, source.astype(images.dtype)], axis=-1)
