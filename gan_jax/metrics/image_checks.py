"""Checks of images for metrics of pixels, and blocks of rows that fit into memory.

Images may be rectangles: height and width are two numbers everywhere.
"""

import numpy as np
from jax.typing import ArrayLike

from gan_jax.errors import UsageError

# Memory of a block of rows with all values computed from it, about.
BLOCK_BYTES = 2**28
# What `channels` of a colour image can be: the offset and the weights of red, green and blue in [0, 1].
_PARTS = {
    "y": (16.0, ((65.481, 128.553, 24.966),)),
    "cbcr": (128.0, ((-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))),
}


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


def check_aligned(**images: ArrayLike) -> list[np.ndarray]:
    """Sets of images that belong together row by row, checked.

    Args:
        **images: uint8 [N, H, W, C] by the name for messages, all of one shape, N at least 1.

    Returns:
        NumPy arrays in the order of the arguments.

    Raises:
        UsageError: The type or rank differs, there are no images, or the shapes differ.
    """
    arrays = {name: check_images(name, each) for name, each in images.items()}
    if len({array.shape for array in arrays.values()}) > 1:
        listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise UsageError(f"expected images of one shape and number, got {listed}")
    return list(arrays.values())


def compared(images: np.ndarray, channels: str, border: int) -> np.ndarray:
    """The part of images that a measure of fidelity compares.

    Args:
        images: uint8 [N, H, W, C], C 1 or 3.
        channels: `all`; or `y`, luma as ITU-R BT.601 defines it for video, from 16 to 235, as in the
            literature of super-resolution (full-range luma, such as Pillow's, reads 1.3 dB less); or `cbcr`,
            its chroma, two channels from 16 to 240, which tells colours apart from brightness.
        border: Pixels left out at each edge: in that literature as many as the scale.

    Returns:
        float64 [N, H - 2 * border, W - 2 * border, C, 1 or 2].

    Raises:
        UsageError: Other channels, `y` or `cbcr` of grey images, or a border that leaves no pixel.
    """
    count, height, width, depth = images.shape
    if channels not in ("all", *_PARTS):
        raise UsageError(f"channels={channels!r}: expected 'all', 'y' or 'cbcr'")
    if channels != "all" and depth != 3:
        raise UsageError(
            f"channels={channels!r}: images of {depth} channels have no luma and chroma apart; take 'all'"
        )
    if 2 * border >= min(height, width):
        raise UsageError(f"border={border}: nothing is left of images of {height} x {width} pixels")
    inner = images[:, border : height - border, border : width - border].astype(np.float64)
    if channels == "all":
        return inner
    offset, weights = _PARTS[channels]
    return offset + inner @ (np.array(weights).T / 255)


def protocol(name: str, images: np.ndarray, channels: str, border: int) -> str:
    """The name of a value that tells how images were compared, such as `psnr_y_border_4`.

    Args:
        name: Of the measure.
        images: uint8 [N, H, W, C].
        channels: As for `compared`.
        border: As for `compared`.

    Returns:
        The name; `all` channels are `rgb` or `grey`.
    """
    of = channels if channels != "all" else "rgb" if images.shape[-1] == 3 else "grey"
    return f"{name}_{of}" + (f"_border_{border}" if border else "")


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
