"""Images: [-1, 1] float32 NHWC on the device, uint8 everywhere else."""

import math
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import IO, Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax.errors import UsageError
from gan_jax.runtime.files import write_atomically

# Sides in pixels: of a tile that can be seen, and of a picture that fits a screen.
TILE, PICTURE = 64, 2048

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
            f"resolution={resolution!r}: expected a whole number of at least 1, "
            "or a pair (height, width) of them"
        )
    return int(sides[0]), int(sides[1])


def _is_side(side: object) -> bool:
    return isinstance(side, (int, np.integer)) and not isinstance(side, bool) and int(side) >= 1


def to_float(images: jax.typing.ArrayLike) -> jax.Array:
    """Maps uint8 0..255 to float32 [-1, 1]; floats stay as they are.

    Args:
        images: uint8 or float [..., H, W, C].

    Returns:
        float32 of the same shape.

    Raises:
        TypeError: Other integers: they are no pixels.
    """
    dtype = jnp.result_type(images)
    if dtype != jnp.uint8 and not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"expected uint8 pixels or floats, got {dtype}")
    floats = jnp.asarray(images, jnp.float32)
    return floats / 127.5 - 1.0 if dtype == jnp.uint8 else floats


def to_uint8(images: jax.Array) -> jax.Array:
    """Maps [-1, 1] to uint8 0..255, rounded to nearest; values outside are clipped.

    Args:
        images: float [..., H, W, C].

    Returns:
        uint8 of the same shape.
    """
    return jnp.clip(jnp.round((images + 1.0) * 127.5), 0, 255).astype(jnp.uint8)


def random_flip(key: jax.Array, images: jax.Array) -> jax.Array:
    """Mirrors each image left to right with probability one half.

    Args:
        key: Random key.
        images: [..., H, W, C], any type.

    Returns:
        The same shape and type.
    """
    flip = jax.random.bernoulli(key, shape=images.shape[:-3])
    return jnp.where(flip[..., None, None, None], images[..., ::-1, :], images)


def halved(images: jax.Array, times: int = 1) -> jax.Array:
    """Images of half the height and width, by exact means of 2 x 2 pixels.

    Args:
        images: float [..., H, W, C]; H and W are multiples of 2 ** times.
        times: How often they are halved.

    Returns:
        float [..., H / 2 ** times, W / 2 ** times, C].

    Raises:
        UsageError: Height or width cannot be halved so often.
    """
    *lead, height, width, channels = images.shape
    side = 2**times
    if height % side or width % side:
        raise UsageError(f"images of {height} x {width} pixels cannot be halved {times} times")
    return images.reshape(*lead, height // side, side, width // side, side, channels).mean((-4, -2))


def enlarged(images: jax.Array, factor: int) -> jax.Array:
    """Images of which every pixel is repeated, `factor` times down and across.

    Args:
        images: [..., H, W, C].
        factor: A whole number.

    Returns:
        [..., H * factor, W * factor, C].
    """
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


def resize_tf1(images: jax.typing.ArrayLike, height: int, width: int) -> jax.Array:
    """Bilinear resize as TensorFlow 1 does it: corners not aligned, no half-pixel centres, no antialiasing.

    Output pixel i looks at i * (old size / new size), between the two nearest pixels and clamped to the last.
    Coordinates are float32 and columns come before rows, as in TensorFlow's `resize_bilinear` kernel; images
    thereby move up and left by up to half a pixel, which scores by the 2015 Inception graph contain.

    Args:
        images: [B, H, W, C], any real type.
        height: New height, pixels.
        width: New width, pixels.

    Returns:
        float32 [B, height, width, C], in the units of the images.
    """

    def along(axis, size, x):
        old = x.shape[axis]
        position = np.arange(size, dtype=np.float32) * (np.float32(old) / np.float32(size))
        low = position.astype(np.int32)
        share = np.expand_dims(position - low.astype(np.float32), tuple(range(1, x.ndim - axis)))
        left, right = (jnp.take(x, i, axis=axis) for i in (low, np.minimum(low + 1, old - 1)))
        return left + (right - left) * share

    return along(1, height, along(2, width, jnp.asarray(images, jnp.float32)))


def columns_of(count: int) -> int:
    """The number of columns of a grid of `count` images that is about as wide as high."""
    return math.ceil(math.sqrt(count))


def visible_scale(height: int, width: int, rows: int, columns: int) -> int:
    """The least whole factor by which tiles are large enough to be seen.

    Args:
        height: Height of a tile, pixels.
        width: Width of a tile, pixels.
        rows: Rows of tiles in the picture.
        columns: Columns of tiles.

    Returns:
        A factor, at least 1, by which both sides of a tile have at least 64 pixels, or the largest one by
        which no side of all tiles together has more than 2,048.
    """
    most = min(PICTURE // (rows * height), PICTURE // (columns * width))
    return max(1, min(-(-TILE // min(height, width)), most))


def grid(
    images: np.ndarray, *, columns: int = 0, scale: int = 0, line: int = 2, shade: int = 96
) -> np.ndarray:
    """Tiles images row by row into one, with lines between them.

    Args:
        images: uint8 [N, H, W, C] with C 1 or 3, N at least 1.
        columns: Tiles a row; 0 for about as many as there are rows.
        scale: Side of the square that shows a pixel, in pixels of the result; 0 for `visible_scale`.
        line: Width of the lines, pixels.
        shade: Brightness of lines and missing tiles, 0 to 255.

    Returns:
        uint8 NumPy array [rows * (scale * H + line) + line, columns * (scale * W + line) + line, C].
    """
    images = np.asarray(images)
    count, height, width, channels = images.shape
    columns = columns or columns_of(count)
    rows = -(-count // columns)
    scale = scale or visible_scale(height, width, rows, columns)
    images, height, width = images.repeat(scale, 1).repeat(scale, 2), scale * height, scale * width
    tiles = np.full((rows, columns, height + line, width + line, channels), shade, np.uint8)
    tiles.reshape(-1, *tiles.shape[2:])[:count, line:, line:] = images
    tiled = tiles.swapaxes(1, 2).reshape(rows * (height + line), columns * (width + line), channels)
    return np.pad(tiled, ((0, line), (0, line), (0, 0)), constant_values=shade)


def pil(picture: np.ndarray) -> Image.Image:
    """A picture as Pillow has it.

    Args:
        picture: uint8 [H, W, C], C 1 or 3.

    Returns:
        An Image, grey or RGB.
    """
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def save(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Writes a picture as PNG, completely or not at all.

    Args:
        path: The file; its folder is created, but not the folder above that.
        picture: uint8 [H, W, C], C 1 or 3.

    Raises:
        OSError: The file cannot be written.
    """
    # A workdir that was deleted during the run must not be created again.
    pathlib.Path(path).parent.mkdir(exist_ok=True)
    with write_atomically(path, "wb") as file:
        pil(picture).save(file, format="PNG")


def save_animation(
    file: IO[bytes], pictures: Sequence[np.ndarray], duration: int | Sequence[int], **options: Any
) -> None:
    """Writes pictures as an animated WebP that repeats forever.

    Args:
        file: An open binary file.
        pictures: uint8 [H, W, C], C 1 or 3, all of one size; at least one.
        duration: Of every frame, or of each, milliseconds.
        **options: Pillow's, such as `lossless` or `quality`.
    """
    frames = [Image.fromarray(np.repeat(picture, 3 // picture.shape[-1], axis=-1)) for picture in pictures]
    many = dict(save_all=True, append_images=frames[1:], duration=duration, loop=0)
    frames[0].save(file, format="WEBP", **many, **options)


def saver(preview: Callable[..., np.ndarray]) -> Callable[[str, np.ndarray], tuple[str, ...]]:
    """The `save` of a modality whose files are pictures of many rows.

    Args:
        preview: The modality's.

    Returns:
        Function `(stem, rows) -> endings` that writes one PNG.
    """

    def save_picture(stem: str, rows: np.ndarray) -> tuple[str, ...]:
        save(f"{stem}.png", preview(rows, lambda: rows))
        return (".png",)

    return save_picture
