"""Images of noise: data that costs nothing to prepare, for measuring."""

import numpy as np

from gan_jax.data.source import Source


def images(*, resolution, channels, size=2_048):
    """Uniform noise as a data set without labels, small enough to lie on the device.

    Args:
        resolution: Height and width, pixels.
        channels: 1 or 3.
        size: Number of images.

    Returns:
        A Source.
    """
    pixels = pixels_of(resolution, channels, size)
    return Source(
        name="noise",
        size=size,
        resolution=resolution,
        channels=channels,
        classes=(),
        read=lambda rows: {"images": pixels[rows]},
    )


def pixels_of(resolution, channels, size):
    """The same images as one array, uint8 [size, resolution, resolution, channels]."""
    shape = (size, resolution, resolution, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
