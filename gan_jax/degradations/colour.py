"""Without colours, and without anything but lines."""

import jax
import jax.numpy as jnp

from gan_jax.degradations.filters import gaussian, separable
from gan_jax.degradations.noise import LUMA
from gan_jax.types import Degradation


def luma(image: jax.Array) -> jax.Array:
    """The brightness of a colour image, BT.601, as Pillow's mode L has it; of a grey one, itself.

    Args:
        image: float32 [..., 1 or 3].

    Returns:
        float32 [..., 1], in the units of the image.
    """
    return image if image.shape[-1] == 1 else jnp.sum(image * jnp.array(LUMA), axis=-1, keepdims=True)


def grayscale() -> Degradation:
    """A source of one channel, the brightness: the input of colourisation.

    Zhang et al. 2016, arXiv:1603.08511, take the lightness of CIE Lab; this is the brightness of BT.601.

    Returns:
        The Degradation.
    """
    return Degradation(lambda key, entries: {**entries, "source": luma(entries["source"])})


def edges(*, deviation: float = 1.0, gain: float = 4.0) -> Degradation:
    """A source of one channel: black lines on white where the brightness changes.

    The task of Isola et al. 2017, arXiv:1611.07004, whose lines are those of a trained edge detector; these
    are the length of Sobel's gradient of a smoothed image.

    Args:
        deviation: Of the Gaussian that smooths the image first, pixels.
        gain: Blackness, from 0 to 1 and clipped, for a change of the whole range within a pixel.

    Returns:
        The Degradation.
    """
    blur = gaussian(deviation)

    def apply(key: jax.Array, entries: dict) -> dict:
        smooth = separable(luma(entries["source"]), blur, blur)
        slope, mean = jnp.array([-0.5, 0.0, 0.5]), jnp.array([0.25, 0.5, 0.25])
        down, across = separable(smooth, slope, mean), separable(smooth, mean, slope)
        lines = jnp.minimum(gain * jnp.sqrt(down**2 + across**2 + 1e-12) / 2, 1)
        return {**entries, "source": 1 - 2 * lines}

    return Degradation(apply, margin=len(blur) // 2 + 1)
