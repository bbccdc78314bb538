"""Images of noise, which cost nothing to prepare."""

import numpy as np

from gan_jax.data.source import Source, of_images


def images(*, resolution: int, channels: int, size: int = 2_048) -> Source:
    """Uniform noise as a data set without labels, small enough to lie on the device.

    Args:
        resolution: Height and width, pixels.
        channels: 1 or 3.
        size: Number of images.

    Returns:
        A Source.
    """
    pixels = pixels_of(resolution, channels, size)
    return of_images("noise", size, pixels.shape[1:], (), lambda rows: {"real": pixels[rows]})


def pixels_of(resolution: int, channels: int, size: int) -> np.ndarray:
    """The same images as one array, uint8 [size, resolution, resolution, channels]."""
    shape = (size, resolution, resolution, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
