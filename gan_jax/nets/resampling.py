"""Images twice and half as large, without learning anything."""

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError


def halvings(resolution):
    """How often an image is halved: 28 to 7 twice, 32 to 4 three times, 64 to 4 four times.

    Args:
        resolution: Height and width, pixels.

    Returns:
        Number of halvings until the size is odd or at most 7, at least 1.

    Raises:
        UsageError: The resolution is odd or below 8.
    """
    count = 0
    while resolution > 7 and resolution % 2 == 0:
        resolution, count = resolution // 2, count + 1
    if count == 0:
        raise UsageError(f"resolution: this network needs an even one of at least 8 pixels, got {resolution}")
    return count


def repeat_pixels(x):
    """Each pixel four times: [B, H, W, C] to [B, 2H, 2W, C]."""
    batch, height, width, channels = x.shape
    wide = jnp.broadcast_to(x[:, :, None, :, None], (batch, height, 2, width, 2, channels))
    return wide.reshape(batch, 2 * height, 2 * width, channels)


def _squares(x):
    """Squares of two by two pixels, [B, H // 2, 2, W // 2, 2, C]; an odd last row or column is left out."""
    batch, height, width, channels = x.shape
    height, width = height // 2, width // 2
    return x[:, : 2 * height, : 2 * width].reshape(batch, height, 2, width, 2, channels)


def mean_pool(x):
    """Mean of each square of two by two pixels: [B, H, W, C] to [B, H // 2, W // 2, C]."""
    return jnp.mean(_squares(x), axis=(2, 4))


def max_pool(x):
    """Maximum of each square of two by two pixels: [B, H, W, C] to [B, H // 2, W // 2, C]."""
    return jnp.max(_squares(x), axis=(2, 4))


def _neighbours(x, axis):
    """The pixel before and the pixel after each one along an axis, zeros beyond the edge."""
    padded = jnp.pad(x, [(1, 1) if i == axis else (0, 0) for i in range(x.ndim)])
    size = x.shape[axis]
    return jax.lax.slice_in_dim(padded, 0, size, axis=axis), jax.lax.slice_in_dim(padded, 2, None, axis=axis)


def smooth_upsample(x):
    """Twice as large by repeating pixels and the filter [1, 2, 1], which is linear interpolation.

    Huang et al. 2025 (R3GAN), arXiv:2501.05441; zeros beyond the edge, as in the authors' code.

    Args:
        x: [B, H, W, C].

    Returns:
        [B, 2H, 2W, C].
    """
    for axis in (1, 2):
        before, after = _neighbours(x, axis)
        pair = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
        x = pair.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])
    return x


def smooth_downsample(x):
    """Half as large by the filter [1, 2, 1] and means of pairs: a quarter of `smooth_upsample`'s adjoint.

    Huang et al. 2025 (R3GAN), arXiv:2501.05441; zeros beyond the edge, as in the authors' code.

    Args:
        x: [B, H, W, C], H and W even.

    Returns:
        [B, H / 2, W / 2, C].
    """
    for axis in (1, 2):
        before, after = _neighbours(x, axis)
        smooth = 0.25 * before + 0.5 * x + 0.25 * after
        pairs = smooth.reshape(*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :])
        x = jnp.mean(pairs, axis=axis + 1)
    return x
