"""Checks of images for metrics of pixels, and blocks of rows that fit into memory.

Images may be rectangles: height and width are two numbers everywhere.
"""

import numpy as np
from jax.typing import ArrayLike

from gan_jax.errors import UsageError

# Memory of a block of rows with all values computed from it, about.
BLOCK_BYTES = 2**28


def check_images(name: str, images: ArrayLike, *, least: int = 1) -> np.ndarray:
    """A set of images as an array, checked.

    Args:
        name: Name of the set for messages.
        images: uint8 [N, H, W, C].
        least: Smallest valid N.

    Returns:
        The images as a NumPy array, uint8 [N, H, W, C].

    Raises:
        UsageError: The type or rank differs, or there are too few images.
    """
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim != 4:
        raise UsageError(
            f"{name}: expected uint8 [N, height, width, channels], got {array.dtype} {array.shape}"
        )
    if len(array) < least:
        raise UsageError(f"{name}: expected at least {least} images, got {len(array)}")
    return array


def check_pair(real_images: ArrayLike, fake_images: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of images of one size as arrays, checked.

    Args:
        real_images: uint8 [N, H, W, C].
        fake_images: uint8 [M, H, W, C].

    Returns:
        Both as NumPy arrays.

    Raises:
        UsageError: The type or rank differs, there are no images, or the sizes differ.
    """
    real, fake = check_images("real images", real_images), check_images("fake images", fake_images)
    if real.shape[1:] != fake.shape[1:]:
        raise UsageError(
            f"expected images of one size, got real {real.shape[1:]} and fake {fake.shape[1:]} "
            "(height, width, channels)"
        )
    return real, fake


def blocks(count: int, row_bytes: int) -> list[slice]:
    """Consecutive blocks of rows, all of one size except the last.

    Args:
        count: Number of rows.
        row_bytes: Memory of one row with all values computed from it.

    Returns:
        List of slices that cover all rows.
    """
    size = max(1, BLOCK_BYTES // row_bytes)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
