"""The sizes that halving gives."""

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
