"""Images: [-1, 1] float32 NHWC on the device, uint8 everywhere else."""

import math

import jax
import jax.numpy as jnp
import numpy as np


def to_float(images):
    """Maps uint8 0..255 to float32 [-1, 1].

    Args:
        images: uint8 [..., H, W, C].

    Returns:
        float32 of the same shape.
    """
    return jnp.asarray(images, jnp.float32) / 127.5 - 1.0


def to_uint8(images):
    """Maps [-1, 1] to uint8 0..255, rounded to nearest; values outside are clipped.

    Args:
        images: float [..., H, W, C].

    Returns:
        uint8 of the same shape.
    """
    return jnp.clip(jnp.round((images + 1.0) * 127.5), 0, 255).astype(jnp.uint8)


def random_flip(key, images):
    """Mirrors each image left to right with probability one half.

    Args:
        key: Random key.
        images: [..., H, W, C], any type.

    Returns:
        The same shape and type.
    """
    flip = jax.random.bernoulli(key, shape=images.shape[:-3])
    return jnp.where(flip[..., None, None, None], images[..., ::-1, :], images)


def columns_of(count):
    """Columns of a grid of so many images that is about as wide as high."""
    return math.ceil(math.sqrt(count))


def grid(images):
    """Tiles images row by row into one, about as wide as high; missing tiles at the end are black.

    Args:
        images: uint8 [N, H, W, C] with C 1 or 3, N at least 1.

    Returns:
        uint8 NumPy array [rows * H, columns * W, C].
    """
    images = np.asarray(images)
    columns = columns_of(len(images))
    rows = -(-len(images) // columns)
    missing = np.zeros((rows * columns - len(images), *images.shape[1:]), np.uint8)
    tiles = np.concatenate([images, missing]).reshape(rows, columns, *images.shape[1:])
    return tiles.swapaxes(1, 2).reshape(rows * images.shape[1], columns * images.shape[2], images.shape[3])
