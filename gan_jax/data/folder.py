"""A folder of images."""

import concurrent.futures
import logging
import os
import re
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from gan_jax.data.source import Source, fit, of_images
from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width

log = logging.getLogger("gan_jax")

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_GREY = ("1", "L")


class _Header(NamedTuple):
    """The header of an image file; `flaw` is why it cannot be read, or empty."""

    size: tuple[int, ...] = ()
    mode: str = ""
    flaw: str = ""


def folder(
    *, path: str, resolution: Resolution = 0, classes: bool = True, skip_corrupt: bool = False
) -> Source:
    """The png, jpg, jpeg, webp and bmp images in a folder and all folders below it.

    Rows are in the order of the files' names; names that begin with a dot are left out. Images are grey if
    every one is, else colour; transparency is dropped. At the start only headers are read, and a corrupt
    image is found when it is read; `skip_corrupt` decodes every image once at the start instead.

    Args:
        path: The folder.
        resolution: Height and width, pixels, or one number for both: the largest central part of each image
            with that aspect is resized to it. 0 for the images' own size, if all are of one size.
        classes: Use the folders directly inside as classes, in natural order (2 before 10), if there are at
            least two and every image lies in one.
        skip_corrupt: Leave corrupt images out, and log how many.

    Returns:
        A Source. Its `read` raises a UsageError that names the file if an image is corrupt.

    Raises:
        UsageError: No such folder, no images in it, images of different sizes without a resolution, more
            than 8 bits a channel, or a corrupt file without `skip_corrupt`.
    """
    path = os.path.expanduser(path)
    names = _names(path)
    with concurrent.futures.ThreadPoolExecutor(16, "header") as pool:
        headers = list(pool.map(lambda name: _header(os.path.join(path, name), skip_corrupt), names))
    if skip_corrupt:
        names, headers = _without_corrupt(path, names, headers)
    for name, header in zip(names, headers):
        if header.flaw:
            raise UsageError(f"{os.path.join(path, name)}: {header.flaw}")
        if header.mode[0] in "IF":  # Pillow would clip these to 255.
            raise UsageError(f"{os.path.join(path, name)}: expected 8 bits a channel, got mode {header.mode}")
    size = height_and_width(resolution) if resolution else _common_size(path, names, headers)
    channels = 1 if all(header.mode in _GREY for header in headers) else 3
    known, labels = _classes(names) if classes else ((), np.zeros(0, np.int32))

    def read(rows):
        images = [_read(os.path.join(path, names[row]), size, channels) for row in rows]
        return {"real": np.stack(images), **({"label": labels[rows]} if known else {})}

    return of_images(path, len(names), (*size, channels), known, read)


def _names(path):
    """Paths of all images below a folder, relative to it, sorted."""
    if not os.path.isdir(path):
        raise UsageError(f"{path}: expected a folder of images, there is no such folder")
    names: list[str] = []
    for place, inner, files in os.walk(path, followlinks=True):
        inner[:] = [name for name in inner if not name.startswith(".")]
        images = [name for name in files if not name.startswith(".") and name.lower().endswith(_ENDINGS)]
        names.extend(os.path.relpath(os.path.join(place, name), path) for name in images)
    if not names:
        raise UsageError(
            f"{path}: no images in this folder; expected files that end in {', '.join(_ENDINGS)}"
        )
    return sorted(names, key=lambda name: name.split(os.sep))


def _header(path, decode):
    """The header of an image file, after decoding all of it if asked to."""
    try:
        with Image.open(path) as image:
            if decode:
                image.load()
            return _Header(_shown_size(image), image.mode)
    except Exception as error:  # Decoders fail in many ways.
        return _Header(flaw=_corrupt(error))


def _shown_size(image):
    """Width and height as viewers show the image; a PNG's orientation is not read, since it needs decoding."""
    turned = image.format != "PNG" and image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return image.size[::-1] if turned else image.size


def _corrupt(error):
    reason = str(error).strip().partition("\n")[0]
    return f"not an image that can be read, or corrupt ({reason or type(error).__name__})"


def _without_corrupt(path, names, headers):
    """Names and headers of the images without a flaw."""
    sound = [(name, header) for name, header in zip(names, headers) if not header.flaw]
    left = [name for name, header in zip(names, headers) if header.flaw]
    if not sound:
        raise UsageError(f"{path}: all {len(names)} images are corrupt, {left[0]} the first of them")
    if left:
        log.warning("%s: left out %d corrupt of %d images, such as %s", path, len(left), len(names), left[0])
    return tuple(zip(*sound))


def _common_size(path, names, headers):
    """Height and width of the images, which must all be the same."""
    (width, height), first = headers[0].size, names[0]
    for name, header in zip(names, headers):
        if header.size != (width, height):
            raise UsageError(
                f"{path}: images differ in size, {first} has {width} x {height} pixels and {name} "
                f"{header.size[0]} x {header.size[1]}: give a resolution"
            )
    return height, width


def _classes(names):
    """Names of the classes and each file's label, int32 [N]; none if folders are not classes."""
    parents = [name.split(os.sep)[0] if os.sep in name else "" for name in names]
    known = sorted(set(parents), key=_natural)
    if "" in known or len(known) < 2:
        return (), np.zeros(0, np.int32)
    number = {parent: label for label, parent in enumerate(known)}
    return tuple(known), np.asarray([number[parent] for parent in parents], np.int32)


def _natural(name):
    """A key that sorts 2 before 10; names with the same numbers are sorted as text."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)], name


def _read(path, resolution, channels):
    try:
        with Image.open(path) as image:
            return fit(image, resolution, channels)
    except Exception as error:  # Decoders fail in many ways.
        raise UsageError(f"{path}: {_corrupt(error)}") from None
