"""Resized images: antialiased, by one matrix a side."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError, unknown
from gan_jax.types import Degradation


def bicubic(x: jax.Array) -> jax.Array:
    """Keys' cubic with a = -0.5, as MATLAB and Pillow have it. Keys 1981.

    Args:
        x: Distances, pixels.

    Returns:
        Weights of the same shape.
    """
    x = jnp.abs(x)
    near, far = (1.5 * x - 2.5) * x**2 + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return jnp.where(x < 1, near, jnp.where(x < 2, far, 0))


def bilinear(x: jax.Array) -> jax.Array:
    """The triangle of linear interpolation.

    Args:
        x: Distances, pixels.

    Returns:
        Weights of the same shape.
    """
    return jnp.maximum(1 - jnp.abs(x), 0)


# By method, the function of the distance and how far it reaches, in pixels of the smaller image.
_KERNELS: dict[str, tuple[Callable[[jax.Array], jax.Array], int]] = {
    "bicubic": (bicubic, 2),
    "bilinear": (bilinear, 1),
}
METHODS = (*_KERNELS, "area", "nearest")


def matrix(
    method: str, size: int, made: int, length: jax.typing.ArrayLike = 0, made_length: jax.typing.ArrayLike = 0
) -> jax.Array:
    """The weights by which pixels of a line become those of a shorter or longer line; each row sums to one.

    Where the line becomes shorter, the kernel is as much wider (antialiasing).

    Args:
        method: `bicubic`, `bilinear`, `area` (the mean of what a pixel covers) or `nearest`.
        size: Pixels of the line.
        made: Pixels of the new one.
        length: The line's first pixels that count, traced or not; 0 for all.
        made_length: As many pixels they become; the pixels after them repeat the last one. 0 for all.

    Returns:
        float32 [made, size].
    """
    length = jnp.where(jnp.asarray(length) > 0, length, size).astype(jnp.float32)
    made_length = jnp.where(jnp.asarray(made_length) > 0, made_length, made).astype(jnp.float32)
    step = length / made_length
    out = jnp.minimum(jnp.arange(made, dtype=jnp.float32), made_length - 1)[:, None]
    each = jnp.arange(size, dtype=jnp.float32)[None, :]
    if method == "area":
        weights = jnp.minimum(each + 1, (out + 1) * step) - jnp.maximum(each, out * step)
        weights = jnp.maximum(weights, 0)
    elif method == "nearest":
        weights = (each == jnp.floor((out + 0.5) * step)).astype(jnp.float32)
    else:
        kernel, _ = _KERNELS[method]
        weights = kernel((each + 0.5 - (out + 0.5) * step) / jnp.maximum(step, 1))
    weights = jnp.where(each < length, weights, 0)
    return weights / jnp.sum(weights, axis=1, keepdims=True)


def multiplied(image: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """An image whose columns and rows are multiplied by a matrix each, in float32 on every device.

    Args:
        image: float32 [H, W, C].
        rows: float32 [height, H].
        columns: float32 [width, W].

    Returns:
        float32 [height, width, C].
    """
    precision = jax.lax.Precision.HIGHEST
    return jnp.einsum("ph,hwc,qw->pqc", rows, image, columns, precision=precision)


def resized(image: jax.Array, height: int, width: int, method: str = "bicubic") -> jax.Array:
    """An image of another size.

    Args:
        image: float32 [H, W, C].
        height: New height, pixels.
        width: New width, pixels.
        method: As for `matrix`.

    Returns:
        float32 [height, width, C]; bicubic may leave the range of the image a little.
    """
    return multiplied(image, matrix(method, image.shape[0], height), matrix(method, image.shape[1], width))


def downscale(*, factor: int = 2, method: str = "bicubic") -> Degradation:
    """A source that is a whole number of times smaller: the usual input of super-resolution.

    No paper has it first; the bicubic one is MATLAB's `imresize` and Pillow's, which benchmarks of
    super-resolution are made with (Dong et al. 2014, arXiv:1501.00092, section 4). Each other one makes other
    numbers.

    Args:
        factor: Height of the old image over that of the new one, and the same of widths.
        method: `bicubic`, `bilinear`, `area` or `nearest`, all but the last antialiased.

    Returns:
        The Degradation.

    Raises:
        UsageError: No such method; or, where it is used, a height or width that is no multiple of the factor.
    """
    if method not in METHODS:
        raise unknown("data.degrade.downscale.method", method, METHODS)

    def apply(key: jax.Array, entries: dict) -> dict:
        height, width, _ = entries["source"].shape
        if height % factor or width % factor:
            raise UsageError(
                f"data.degrade.downscale.factor={factor}: expected images whose sides are a multiple of it, got "
                f"{height} x {width}; data.crop or data.resolution gives them another size"
            )
        small = resized(entries["source"], height // factor, width // factor, method)
        return {**entries, "source": small}

    _, reach = _KERNELS.get(method, (None, 0))
    return Degradation(apply, margin=reach * factor if factor > 1 else 0, factor=factor)
