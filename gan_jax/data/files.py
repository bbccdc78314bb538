"""Files of images: their headers, and their pixels as viewers show them."""

import concurrent.futures
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gan_jax.data import pixels
from gan_jax.errors import UsageError


class Header(NamedTuple):
    """The header of an image file.

    Attributes:
        size: Height and width as viewers show it, pixels.
        grey: It has no colour.
        animated: It has several frames.
        flaw: Why it cannot be read, or empty.
    """

    size: tuple[int, int] = (0, 0)
    grey: bool = False
    animated: bool = False
    flaw: str = ""


def headers(
    path: str, names: Sequence[str], background: str = "white", *, decode: bool = False
) -> dict[str, Header]:
    """The headers of images.

    Args:
        path: Their folder.
        names: Their paths relative to it.
        background: Colour behind transparent pixels.
        decode: Decode each image too, so that its flaw is known.

    Returns:
        Headers by name.

    Raises:
        UsageError: Floats or 32 bits a channel.
    """

    def header(name):
        return _header(os.path.join(path, name), background, decode)

    with concurrent.futures.ThreadPoolExecutor(16, "header") as pool:
        return dict(zip(names, pool.map(header, names)))


def _header(path, background, decode):
    """The header of an image file, after decoding all of it if asked to."""
    try:
        with Image.open(path) as image:
            pixels.check_range(image, path)
            # Phones append a second picture to a photo.
            animated = image.format != "MPO" and getattr(image, "is_animated", False)
            header = Header(pixels.shown_size(image), pixels.is_grey(image, background), animated)
            if decode:
                image.load()
            return header
    except UsageError:
        raise
    except Exception as error:  # Decoders fail in many ways.
        return Header(flaw=f"{path}: {_corrupt(error)}")


def _corrupt(error):
    reason = str(error).strip().partition("\n")[0]
    return f"not an image that can be read, or corrupt ({reason or type(error).__name__})"


def check_sound(known: Mapping[str, Header]) -> None:
    """Makes sure that no header has a flaw.

    Args:
        known: Headers by name.

    Raises:
        UsageError: The first flaw.
    """
    for header in known.values():
        if header.flaw:
            raise UsageError(header.flaw)


def common_size(path: str, known: Mapping[str, Header]) -> tuple[int, int]:
    """Height and width of images of one size.

    Args:
        path: Their folder, for the message.
        known: Their headers by name, at least one.

    Returns:
        Height and width, pixels.

    Raises:
        UsageError: They differ in size.
    """
    (first, (height, width)), *others = ((name, header.size) for name, header in known.items())
    for name, size in others:
        if size != (height, width):
            raise UsageError(
                f"{path}: images differ in size, {first} has {width} x {height} pixels and {name} "
                f"{size[1]} x {size[0]}: give a resolution"
            )
    return height, width


def fitted(path: str, resolution: tuple[int, int], channels: int, background: str = "white") -> np.ndarray:
    """The central part of an image at a size: see `pixels.fit`.

    Args:
        path: The file.
        resolution: Height and width, pixels.
        channels: 1 for grey, 3 for colour.
        background: Colour behind transparent pixels.

    Returns:
        uint8 [height, width, channels].

    Raises:
        UsageError: The file is corrupt.
    """
    return opened(path, lambda image: pixels.fit(image, resolution, channels, background))


def whole(path: str, channels: int, background: str = "white", shrink: int = 1) -> np.ndarray:
    """All of an image.

    Args:
        path: The file.
        channels: 1 for grey, 3 for colour.
        background: Colour behind transparent pixels.
        shrink: It becomes so many times smaller, each pixel the mean of a square.

    Returns:
        uint8 [H // shrink, W // shrink, channels].

    Raises:
        UsageError: The file is corrupt.
    """

    def all_of(image):
        image = pixels.shown(image, background).convert("L" if channels == 1 else "RGB")
        height, width = image.height // shrink, image.width // shrink
        image = image.crop((0, 0, width * shrink, height * shrink)).reduce(shrink)
        return np.asarray(image, np.uint8).reshape(height, width, channels)

    return opened(path, all_of)


def opened(path: str | os.PathLike, function: Callable[[Image.Image], Any]) -> Any:
    """A function of the image in a file.

    Args:
        path: The file.
        function: Function from a PIL image, not decoded yet.

    Returns:
        Its result.

    Raises:
        UsageError: The file is corrupt, or the function says so.
    """
    try:
        with Image.open(path) as image:
            return function(image)
    except UsageError:
        raise
    except Exception as error:  # Decoders fail in many ways.
        raise UsageError(f"{path}: {_corrupt(error)}") from None
