"""JPEG as a computation on arrays: what a decoder shows of a compressed image."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.degradations.draw import between, pair, uniform
from gan_jax.degradations.resampling import resized
from gan_jax.errors import UsageError
from gan_jax.types import Degradation

# The tables of the standard, ITU T.81, annex K.1, for brightness and colour.
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
CHROMINANCE = np.full((8, 8), 99, np.float32)
CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
# JFIF: from RGB to brightness and two colour differences.
_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_FROM_YCC = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)


def table(standard: np.ndarray, quality: jax.typing.ArrayLike) -> jax.Array:
    """A table of quantisation steps, as the Independent JPEG Group's library scales the standard's.

    Args:
        standard: For the quality 50, [8, 8].
        quality: From 1 to 100.

    Returns:
        float32 [8, 8], whole numbers from 1 to 255.
    """
    quality = jnp.floor(jnp.asarray(quality, jnp.float32))
    percent = jnp.where(quality < 50, jnp.floor(5000 / quality), 200 - 2 * quality)
    return jnp.clip(jnp.floor((standard * percent + 50) / 100), 1, 255)


def _cosines():
    """The orthonormal cosine transform of eight values, [8, 8]."""
    k, n = np.arange(8)[:, None], np.arange(8)[None, :]
    return np.float32(np.cos((2 * n + 1) * k * np.pi / 16) * np.sqrt(np.where(k == 0, 1, 2) / 8))


def _rounded(values):
    """Rounded values, whose gradient is that of values that are not."""
    return values + jax.lax.stop_gradient(jnp.round(values) - values)


def _quantised(plane, steps):
    """What is left of a plane of levels around 0, [H, W] of multiples of 8."""
    height, width = plane.shape
    cosines = _cosines()
    blocks = plane.reshape(height // 8, 8, width // 8, 8)
    precision = jax.lax.Precision.HIGHEST
    waves = jnp.einsum("ki,aibj,lj->akbl", cosines, blocks, cosines, precision=precision)
    waves = _rounded(waves / steps[:, None, :]) * steps[:, None, :]
    blocks = jnp.einsum("ki,akbl,lj->aibj", cosines, waves, cosines, precision=precision)
    return jnp.clip(_rounded(blocks), -128, 127).reshape(height, width)


def compressed(image: jax.Array, quality: jax.typing.ArrayLike) -> jax.Array:
    """An image after JPEG with colour at half the resolution (4:2:0), as decoders show it.

    Args:
        image: float32 [H, W, 1 or 3] in [-1, 1]; values outside are clipped.
        quality: From 1 to 100.

    Returns:
        float32 of the same shape; its gradient is that of a JPEG that does not round.
    """
    height, width, channels = image.shape
    levels = _rounded(jnp.clip((image + 1) * 127.5, 0, 255))
    block = 8 if channels == 1 else 16
    padding = ((0, -height % block), (0, -width % block), (0, 0))
    levels = jnp.pad(levels, padding, mode="edge")
    steps = table(LUMINANCE, quality), table(CHROMINANCE, quality)
    if channels == 1:
        shown = _quantised(levels[..., 0] - 128, steps[0])[..., None] + 128
    else:
        precision = jax.lax.Precision.HIGHEST
        ycc = _rounded(jnp.matmul(levels, _TO_YCC.T, precision=precision)) - jnp.array([128.0, 0, 0])
        colour = ycc[..., 1:].reshape(ycc.shape[0] // 2, 2, ycc.shape[1] // 2, 2, 2).mean((1, 3))
        bright = _quantised(ycc[..., 0], steps[0])[..., None]
        colour = jnp.stack([_quantised(_rounded(colour[..., k]), steps[1]) for k in (0, 1)], axis=-1)
        # Decoders of the Independent JPEG Group's library interpolate colours linearly.
        colour = resized(colour, bright.shape[0], bright.shape[1], "bilinear")
        ycc = jnp.concatenate([bright + 128, colour], axis=-1)
        shown = jnp.matmul(ycc, _FROM_YCC.T, precision=precision)
    return _rounded(jnp.clip(shown, 0, 255))[:height, :width] / 127.5 - 1


def jpeg(*, quality: float | tuple = (30, 95)) -> Degradation:
    """What JPEG leaves of the source.

    ITU T.81 (1992), as the Independent JPEG Group's library has it: standard tables scaled by the quality,
    colour at half the resolution, linearly interpolated. Wang et al. 2021, arXiv:2107.10833, draw the quality
    from 30 to 95.

    Args:
        quality: From 1 to 100, or a pair (least, most) between which one is drawn.

    Returns:
        The Degradation; it can be differentiated, as if nothing were rounded.

    Raises:
        UsageError: A quality out of its range.
    """
    least, most = pair(quality, "data.degrade.jpeg.quality")
    if not 1 <= least <= most <= 100:
        raise UsageError(f"data.degrade.jpeg.quality={quality}: expected numbers from 1 to 100")

    def apply(key: jax.Array, entries: dict) -> dict:
        return {**entries, "source": compressed(entries["source"], between(uniform(key), quality))}

    # Blocks begin at the corner of what is compressed: at the margin they would not.
    return Degradation(apply)
