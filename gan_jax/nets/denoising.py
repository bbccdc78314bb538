"""Networks that remove noise from images."""

from typing import Any

import flax.linen as nn
import jax

from gan_jax.errors import UsageError
from gan_jax.names import find
from gan_jax.nets import fields, norms
from gan_jax.nets.convolution import Conv
from gan_jax.nets.linen import name_of

_he = nn.initializers.he_normal()


class DnCNN(nn.Module):
    """Noisy images minus the noise that convolutions of 3 by 3 pixels see in them.

    Zhang et al. 2016, arXiv:1608.03981, section III: 17 convolutions for one strength of noise, 20 for any;
    all but the first and the last with batch norm. A pixel depends on `depth` pixels on each side. The last
    convolution has no bias, as in the authors' code. Images of any size; outputs are not bounded.

    Attributes:
        channels: Channels of input and output.
        depth: Number of convolutions, at least 2.
        width: Channels of the convolutions.
        norm: Name of a normalisation, see `nets/norms.py`, or a function like them.
    """

    channels: int
    depth: int = 17
    width: int = 64
    norm: Any = "batch_norm"

    @property
    def radius(self) -> int | None:
        """Pixels of the source that an output pixel depends on, on each side; None if on the whole image."""
        return self.depth if fields.is_local(self.norm) else None

    @nn.compact
    def __call__(self, source: jax.Array, *, train: bool) -> jax.Array:
        """Images [B, H, W, channels] to images of about [-1, 1], of the same shape."""
        if source.shape[-1] != self.channels:
            raise UsageError(
                f"{name_of(self)}: images of {source.shape[-1]} channels: expected as many as of the "
                f"output, {self.channels}"
            )
        if self.depth < 2:
            raise UsageError(f"{name_of(self)}: depth={self.depth}: expected at least 2 convolutions")
        norm = find(self.norm, (norms,), "norm")
        x = nn.relu(Conv(self.width, (3, 3), kernel_init=_he)(source))
        for _ in range(self.depth - 2):
            x = Conv(self.width, (3, 3), use_bias=norm is norms.no_norm, kernel_init=_he)(x)
            x = nn.relu(norm(train)(x))
        return source - Conv(self.channels, (3, 3), use_bias=False, kernel_init=_he)(x)
