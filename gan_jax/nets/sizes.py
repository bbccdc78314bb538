"""The sizes that halving gives, and those that networks of images take."""

import jax

from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width


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


def divided(images: jax.Array, by: int, network: str) -> None:
    """Makes sure that a network can halve images as often as it must.

    Args:
        images: [B, H, W, C].
        by: What height and width must be multiples of, pixels.
        network: Name of the network, for the error.

    Raises:
        UsageError: Height or width is no multiple.
    """
    height, width = images.shape[1:3]
    if height % by or width % by:
        raise UsageError(
            f"{network}: images of {height} x {width} pixels: expected height and width divisible by {by}"
        )
