"""The height and the width of images, and the sizes that halving gives."""

import numpy as np

from gan_jax.errors import UsageError

# Height and width in pixels; one int is a square.
Resolution = int | tuple[int, int]


def height_and_width(resolution: Resolution) -> tuple[int, int]:
    """The height and the width of images.

    Args:
        resolution: Pair (height, width), or one int for a square, pixels.

    Returns:
        The pair (height, width).

    Raises:
        UsageError: The resolution is neither a whole number of at least 1 nor a pair of these.
    """
    sides = tuple(resolution) if isinstance(resolution, (tuple, list)) else (resolution, resolution)
    if len(sides) != 2 or not all(map(_is_side, sides)):
        raise UsageError(
            f"resolution={resolution!r}: expected a whole number of at least 1, or a pair (height, width) of them"
        )
    return int(sides[0]), int(sides[1])


def _is_side(side: object) -> bool:
    return isinstance(side, (int, np.integer)) and not isinstance(side, bool) and int(side) >= 1


def halved(resolution: Resolution, above: int) -> list[tuple[int, int]]:
    """The sizes of an image that is halved while both sides are even and the smaller one exceeds a limit.

    Args:
        resolution: Height and width before the first halving, pixels.
        above: The limit, pixels.

    Returns:
        List of (height, width), one for each halving, the smallest size last.
    """
    height, width = height_and_width(resolution)
    sizes = []
    while min(height, width) > above and height % 2 == width % 2 == 0:
        height, width = height // 2, width // 2
        sizes.append((height, width))
    return sizes
