"""Images twice and half as large, without parameters."""

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.nets.sizes import halved


def halvings(resolution: Resolution, network: str = "this network") -> int:
    """How often a network halves an image: 28 to 7 twice, 32 to 4 three times, (16, 24) to (4, 6) twice.

    Args:
        resolution: Height and width of the images, pixels.
        network: Name of the network, for the error.

    Returns:
        Number of halvings until a side is odd or the smaller side is at most 7, at least 1.

    Raises:
        UsageError: A side is odd or below 8.
    """
    sizes = halved(resolution, above=7)
    if not sizes:
        size = height_and_width(resolution)
        raise UsageError(
            f"{network}: resolution={size}: expected an even height and width of at least 8 pixels"
        )
    return len(sizes)


def repeat_pixels(x: jax.Array) -> jax.Array:
    """Each pixel four times: [B, H, W, C] to [B, 2H, 2W, C]."""
    batch, height, width, channels = x.shape
    wide = jnp.broadcast_to(x[:, :, None, :, None], (batch, height, 2, width, 2, channels))
    return wide.reshape(batch, 2 * height, 2 * width, channels)


def pixel_shuffle(x: jax.Array) -> jax.Array:
    """Four channels as the four pixels of a square: [B, H, W, 4C] to [B, 2H, 2W, C].

    Shi et al. 2016, arXiv:1609.05158, eq. 4. Channel 4c + 2i + j is row i and column j of channel c's square.
    """
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, channels // 4, 2, 2).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(batch, 2 * height, 2 * width, channels // 4)


def _squares(x: jax.Array) -> jax.Array:
    """Squares of two by two pixels, [B, H // 2, 2, W // 2, 2, C]; an odd last row or column is left out."""
    batch, height, width, channels = x.shape
    height, width = height // 2, width // 2
    return x[:, : 2 * height, : 2 * width].reshape(batch, height, 2, width, 2, channels)


def mean_pool(x: jax.Array) -> jax.Array:
    """Mean of each square of two by two pixels: [B, H, W, C] to [B, H // 2, W // 2, C]."""
    return jnp.mean(_squares(x), axis=(2, 4))


def max_pool(x: jax.Array) -> jax.Array:
    """Maximum of each square of two by two pixels: [B, H, W, C] to [B, H // 2, W // 2, C]."""
    return jnp.max(_squares(x), axis=(2, 4))


def _neighbours(x: jax.Array, axis: int, beyond: str = "constant") -> tuple[jax.Array, jax.Array]:
    """The pixel before and the pixel after each one along an axis; beyond the edge as `jnp.pad`, zeros."""
    padded = jnp.pad(x, [(1, 1) if i == axis else (0, 0) for i in range(x.ndim)], beyond)
    size = x.shape[axis]
    return jax.lax.slice_in_dim(padded, 0, size, axis=axis), jax.lax.slice_in_dim(padded, 2, None, axis=axis)


def smooth_upsample(x: jax.Array, *, beyond: str = "constant") -> jax.Array:
    """Twice as large by repeating pixels and the filter [1, 2, 1], which is linear interpolation.

    Huang et al. 2025 (R3GAN), arXiv:2501.05441; zeros beyond the edge, as in the authors' code. It is also
    the filter [1, 3, 3, 1] / 4 over an image with a zero behind every pixel.

    Args:
        x: [B, H, W, C].
        beyond: What lies beyond the edge, as `jnp.pad` calls it: `constant` for zeros, `edge` for the edge's
            own pixels, so that a constant image stays constant.

    Returns:
        [B, 2H, 2W, C].
    """
    for axis in (1, 2):
        before, after = _neighbours(x, axis, beyond)
        pair = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
        x = pair.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])
    return x


def smooth_downsample(x: jax.Array) -> jax.Array:
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


def blurred_downsample(x: jax.Array) -> jax.Array:
    """Every second pixel of each row and column after the filter [1, 2, 1] / 4 along both.

    Zhang 2019, arXiv:1904.11486, section 3.2, with the filter Tri-3; beyond the edge the image goes on as in
    a mirror. A shift of the image changes the result less than without the filter.

    Args:
        x: [B, H, W, C].

    Returns:
        [B, ceil(H / 2), ceil(W / 2), C].
    """
    for axis in (1, 2):
        before, after = _neighbours(x, axis, "reflect")
        smooth = 0.25 * before + 0.5 * x + 0.25 * after
        x = jax.lax.slice_in_dim(smooth, 0, None, stride=2, axis=axis)
    return x
