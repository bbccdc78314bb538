"""The discriminator of SRGAN and ESRGAN: convolutions in the manner of VGG, and one logit for an image.

Ledig et al. 2016, arXiv:1609.04802, section 2.1.1 and figure 4; Wang et al. 2018, arXiv:1809.00219, whose
code halves with kernels of 4 by 4 pixels.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.names import find
from gan_jax.nets import norms
from gan_jax.nets.convolution import Conv
from gan_jax.nets.trunks import dense

_he = nn.initializers.he_normal()


class Discriminator(nn.Module):
    """Pairs of convolutions, the second of which halves the image, and dense layers to a logit.

    Ledig et al. 2016, arXiv:1609.04802, figure 4: four pairs for images of 96 pixels, kernels of 3 by 3, 1024
    units. Wang et al. 2018, arXiv:1809.00219, in its code: `halvings=5, kernel_size=4, units=100` for 128
    pixels. Both have dense layers of all pixels, hence for images of one size.

    Attributes:
        width: Channels of the first pair; each further pair doubles them, up to eight times.
        halvings: Number of pairs.
        kernel_size: Side of the kernels that halve, pixels; those of the others have 3.
        units: Units of the dense layer in front of the logit.
        pooled: Whether the dense layers see the mean over pixels, so that one network takes images of every
            size.
        norm: Name of a normalisation of all but the first convolution, see `nets/norms.py`, or a function
            like them; under a penalty on gradients take `no_norm`.
        slope: LeakyReLU's slope below zero.
    """

    width: int = 64
    halvings: int = 4
    kernel_size: int = 3
    units: int = 1024
    pooled: bool = False
    norm: Any = "batch_norm"
    slope: float = 0.2

    @nn.compact
    def __call__(self, images: jax.Array, source: jax.Array | None = None, *, train: bool) -> dict[str, Any]:
        """Whether images are real, and belong to their sources.

        Args:
            images: [B, H, W, C].
            source: [B, H, W, any number], which stands beside the images as further channels; or None.
            train: Whether batch norm uses the batch's statistics.

        Returns:
            Dict of `logits` [B], and of `layers`, a tuple of the features after each pair, [B, h, w,
            channels], which the loss `layer_matching` compares.
        """
        x = images if source is None else jnp.concatenate([images, source], axis=-1)
        norm, layers = find(self.norm, (norms,), "norm"), []
        for layer in range(2 * self.halvings):
            pair, halves = divmod(layer, 2)
            normed = layer > 0 and norm is not norms.no_norm
            size, stride = (self.kernel_size, 2) if halves else (3, 1)
            conv = Conv(
                self.width << min(pair, 3),
                (size, size),
                (stride, stride),
                use_bias=not normed,
                kernel_init=_he,
            )
            x = nn.leaky_relu(norm(train)(conv(x)) if normed else conv(x), self.slope)
            layers += [x] if halves else []
        x = jnp.mean(x, axis=(1, 2)) if self.pooled else x.reshape(len(x), -1)
        x = nn.leaky_relu(dense(self.units)(x), self.slope)
        return {"logits": dense(1)(x)[:, 0], "layers": tuple(layers)}
