"""A sharper target beside the real image."""

import jax
import jax.numpy as jnp

from gan_jax.degradations.filters import filtered, gaussian
from gan_jax.errors import UsageError
from gan_jax.types import Degradation


def sharpened_target(
    *, deviation: float = 8.0, strength: float = 0.5, threshold: float = 10.0
) -> Degradation:
    """An entry `sharpened`: the real image by unsharp masking, where it differs enough from its blur.

    Wang et al. 2021, arXiv:2107.10833, section 4.1, with the numbers of its code. The source and the real
    image stay: distances read the entry by `reads=dict(target="sharpened")`, and the discriminator learns
    from plain images. The mask of what differs is blurred too, so that it has no edge.

    Args:
        deviation: Of the Gaussian blur, pixels, above 0.
        strength: How much of the difference from the blur is added.
        threshold: Differences up to so many levels of 255 are noise and stay, at least 0.

    Returns:
        The Degradation.

    Raises:
        UsageError: A number outside its range.
    """
    if deviation <= 0 or threshold < 0:
        raise UsageError(
            f"data.degrade.sharpened_target: deviation={deviation}, threshold={threshold}: expected a "
            "deviation above 0 and a threshold of at least 0"
        )
    line = gaussian(deviation)

    def apply(key: jax.Array, entries: dict) -> dict:
        real, weights = entries["real"], jnp.asarray(line)
        kernel = jnp.outer(weights, weights)
        difference = real - filtered(real, kernel)
        share = filtered(jnp.float32(jnp.abs(difference) > threshold / 127.5), kernel)
        sharp = jnp.clip(real + strength * difference, -1, 1)
        return {**entries, "sharpened": share * sharp + (1 - share) * real}

    return Degradation(apply, margin=len(line) // 2)
