"""What a grid shows of a game that changes images: rows of its stages, one above the other."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.images import columns_of


def rows_of(*stages: jax.Array, channels: int) -> jax.Array:
    """Images of several stages as rows of a grid: a row of the first stage, below it the second, and so on.

    Args:
        *stages: Images [N, H, W, any number] each, of the same N originals.
        channels: Channels of the grid; images with others are made grey.

    Returns:
        Images [N, H, W, channels], of as many originals as there is place for.
    """
    count = len(stages[0])
    columns = columns_of(count)
    row, column = np.divmod(np.arange(count), columns)
    index = row // len(stages) * columns + column
    alike = jnp.stack([_with_channels(stage, channels) for stage in stages])
    return alike[row % len(stages), index]


def _with_channels(images, channels):
    """The images in as many channels."""
    if images.shape[-1] == channels:
        return images
    grey = jnp.mean(images, axis=-1, keepdims=True)
    return jnp.repeat(grey, channels, axis=-1)
