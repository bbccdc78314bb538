"""Semantics-preserving augmentations for consistency penalties: `(key, images) -> images`."""

import jax
import jax.numpy as jnp

from gan_jax.images import random_flip


def flip(key: jax.Array, images: jax.Array) -> jax.Array:
    """Mirrors each image left to right with probability one half.

    Zhang et al. 2020 (CR-GAN), arXiv:1910.12027.

    Args:
        key: Random key.
        images: [B, H, W, C].

    Returns:
        The same shape and type.
    """
    return random_flip(key, images)


def shift(key: jax.Array, images: jax.Array, *, ratio: float = 0.125) -> jax.Array:
    """Moves each image by whole pixels, at most `ratio` of each side either way, reflected at the borders.

    Zhang et al. 2020 (CR-GAN), arXiv:1910.12027: four pixels of 32. The paper does not
    state how it fills the border; later implementations reflect, and so does this one.

    Args:
        key: Random key.
        images: [B, H, W, C].
        ratio: Largest vertical move over the height and horizontal move over the width, in [0, 1).

    Returns:
        The same shape and type.
    """
    for axis, axis_key in zip((1, 2), jax.random.split(key), strict=True):
        size = images.shape[axis]
        most = int(size * ratio + 0.5)
        offsets = jax.random.randint(axis_key, (images.shape[0], 1), -most, most + 1)
        # |i| reflects at the first pixel, (n - 1) - |(n - 1) - i| at the last.
        source = size - 1 - jnp.abs(size - 1 - jnp.abs(jnp.arange(size) - offsets))
        shape = tuple(n if i in (0, axis) else 1 for i, n in enumerate(images.shape))
        images = jnp.take_along_axis(images, source.reshape(shape), axis)
    return images


def flip_and_shift(key: jax.Array, images: jax.Array) -> jax.Array:
    """`flip`, then `shift` by up to an eighth of each side: the transform of consistency penalties.

    Zhang et al. 2020 (CR-GAN), arXiv:1910.12027, section 3.

    Args:
        key: Random key.
        images: [B, H, W, C].

    Returns:
        The same shape and type.
    """
    flip_key, shift_key = jax.random.split(key)
    return shift(shift_key, flip(flip_key, images))
