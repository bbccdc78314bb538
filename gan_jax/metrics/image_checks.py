"""What metrics of images ask of their inputs, and how many rows fit into memory at a time."""

import numpy as np

from gan_jax.errors import UsageError

# About so much memory a block of rows may take, with everything that is computed from it.
BLOCK_BYTES = 2**28


def check_images(name, images, *, least=1):
    """A set of images, if it is one.

    Args:
        name: What it is, for the message.
        images: uint8 [N, H, W, C].
        least: Smallest N that will do.

    Returns:
        The images as a NumPy array, uint8 [N, H, W, C].

    Raises:
        UsageError: Another type or rank, or too few images.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise UsageError(
            f"{name}: expected uint8 [N, height, width, channels], got {images.dtype} {images.shape}"
        )
    if len(images) < least:
        raise UsageError(f"{name}: expected at least {least} images, got {len(images)}")
    return images


def check_pair(real_images, fake_images):
    """Two sets of images of one size.

    Args:
        real_images: uint8 [N, H, W, C].
        fake_images: uint8 [M, H, W, C].

    Returns:
        Both as NumPy arrays.

    Raises:
        UsageError: Another type or rank, no images, or sizes that differ.
    """
    real, fake = check_images("real images", real_images), check_images("fake images", fake_images)
    if real.shape[1:] != fake.shape[1:]:
        raise UsageError(
            f"expected images of one size, got real {real.shape[1:]} and fake {fake.shape[1:]} "
            "(height, width, channels)"
        )
    return real, fake


def blocks(count, row_bytes):
    """Consecutive blocks of rows, each but the last of one size.

    Args:
        count: Number of rows.
        row_bytes: Memory that one row takes with everything computed from it.

    Returns:
        List of slices that cover all rows.
    """
    size = max(1, BLOCK_BYTES // row_bytes)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
