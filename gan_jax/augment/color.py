"""ADA's colour transforms: one matrix per sample, and one product."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from gan_jax.augment.draw import chosen
from gan_jax.errors import UsageError

_LUMA = np.full((3, 3), 1 / 3)  # Projects a colour onto gray.
_CHROMA = np.eye(3) - _LUMA  # Removes the gray part.
_TURN = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)  # Rotates the chroma by 90 degrees.


def color(
    key: jax.Array,
    images: jax.Array,
    p: ArrayLike,
    *,
    brightness: float = 0.2,
    contrast: float = 0.5,
    hue: float = 1.0,
    saturation: float = 1.0,
) -> jax.Array:
    """Brightness, contrast, luma flip, hue and saturation.

    Karras et al. 2020, arXiv:2006.06676, appendix B. Brightness comes first. The other four are scalings
    and rotations of the gray axis and of the plane across it, so they commute; their product is
    contrast * (flip * luma + saturation * (cos(hue) * chroma + sin(hue) * turn)).

    Args:
        key: Random key.
        images: [B, H, W, C] with C 1 or 3; with one channel only brightness, contrast and flip apply.
        p: Probability of each.
        brightness: Standard deviation of the number added to all of an image.
        contrast: Standard deviation of the contrast's logarithm to base 2.
        hue: Largest rotation of the hue, in half turns.
        saturation: Standard deviation of the saturation's logarithm to base 2.

    Returns:
        The shape and type of `images`.

    Raises:
        UsageError: The images have neither one nor three channels.
    """
    keys = jax.random.split(key, 10)
    count, channels = (images.shape[0], 1, 1), images.shape[3]
    if channels not in (1, 3):
        raise UsageError(f"colour augmentation: images have {channels} channels, expected 1 or 3")
    added = chosen(keys[0], p, brightness * jax.random.normal(keys[1], (*count, 1)), 0.0)
    scaled = chosen(keys[2], p, jnp.exp2(contrast * jax.random.normal(keys[3], count)), 1.0)
    flipped = chosen(keys[4], p, jax.random.rademacher(keys[5], count, jnp.float32), 1.0)
    angle = chosen(keys[6], p, jnp.pi * hue * jax.random.uniform(keys[7], count, minval=-1.0), 0.0)
    saturated = chosen(keys[8], p, jnp.exp2(saturation * jax.random.normal(keys[9], count)), 1.0)
    brighter = jnp.asarray(images, jnp.float32) + added
    if channels == 1:
        return ((scaled * flipped)[..., None] * brighter).astype(images.dtype)
    chroma = saturated * (jnp.cos(angle) * _CHROMA + jnp.sin(angle) * _TURN)
    product = scaled * (flipped * _LUMA + chroma)
    return jnp.einsum("bij,bhwj->bhwi", product, brighter, precision="highest").astype(images.dtype)
