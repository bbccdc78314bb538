"""The inner layers that a network returns beside its image, for losses that compare features."""

from collections.abc import Sequence
from typing import Any

import jax

from gan_jax.errors import UsageError


def beside(image: jax.Array, offered: Sequence[jax.Array], layers: Sequence[int], network: str) -> Any:
    """An image, with some of the layers that it was made of.

    Args:
        image: [B, H, W, C].
        offered: Features [B, h, w, c] by number, the network's input first.
        layers: Numbers of those to return; none for the image alone.
        network: The network's name, for the message.

    Returns:
        The image; or a dict of `image` and of `layers`, a tuple of features.

    Raises:
        UsageError: There is no layer of such a number.
    """
    if any(layer >= len(offered) for layer in layers):
        raise UsageError(f"{network}: layers={tuple(layers)}: expected numbers from 0 to {len(offered) - 1}")
    return {"image": image, "layers": tuple(offered[layer] for layer in layers)} if layers else image
