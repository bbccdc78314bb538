"""A folder of images."""

import logging
import os

import numpy as np

from gan_jax.data import files, listing, pixels
from gan_jax.data.source import Source, of_images
from gan_jax.errors import UsageError, unknown
from gan_jax.images import Resolution, height_and_width

log = logging.getLogger("gan_jax")


def folder(
    *,
    path: str,
    split: str = "train",
    resolution: Resolution = 0,
    classes: bool = True,
    heldout: float = 0.1,
    background: str = "white",
    skip_corrupt: bool = False,
) -> Source:
    """The png, jpg, jpeg, webp, bmp, gif, tif and tiff images in a folder and all folders below it.

    Rows are in the order of the files' names. Images look as viewers show them: see `pixels.shown`. They are
    grey if every one is, else colour. Hidden folders, and those of systems, are left out; a folder that links
    lead to several times is read once. One line of the log says how many images, which splits and classes
    there are, and what was left out and why.

    At the start only headers are read, and a corrupt image is found when it is read; `skip_corrupt` decodes
    every image once at the start instead.

    Args:
        path: The folder. Folders `train`, `val` (or `valid`, `validation`) and `test` in it are splits.
        split: `train`, `validation` (or `val`, `valid`) or `test`, if there are such folders; `heldout`, or
            `all`.
        resolution: Height and width, pixels, or one number for both: the largest central part of each image
            with that aspect is resized to it. 0 for the images' own size, if all are of one size.
        classes: Use the folders directly inside, or inside `train`, as classes, in natural order (2 before
            10), if there are at least two and no more than one image, or a tenth, lies in none; those are
            left out. Other splits have the classes of `train`, by name.
        heldout: Share of the images that are held out, in [0, 1), if there is neither `val` nor `test`: those
            whose names have the smallest hashes, so that new images move few; 0 for none.
        background: Colour behind transparent pixels, as in `white` or `#808080`.
        skip_corrupt: Leave corrupt images out.

    Returns:
        A Source. Its `read` raises a UsageError that names the file if an image is corrupt.

    Raises:
        UsageError: No such folder, no images in it, no such split, images of different sizes without a
            resolution, floats or 32 bits a channel, or a corrupt file without `skip_corrupt`.
    """
    path = os.path.expanduser(path)
    listing.check_share(heldout)
    pixels.check_background(background)
    names, left = listing.images(path)
    headers = files.headers(path, names, background, decode=skip_corrupt)
    if skip_corrupt:
        headers, left = _without_corrupt(path, headers, left)
    found = listing.layout(list(headers), classes, heldout)
    split = listing.SPLITS.get(split, split)
    if split not in found.splits:
        raise unknown("data.split", split, found.splits)
    used = {name: headers[name] for name in (found.names[row] for row in found.splits["all"])}
    files.check_sound(used)
    size = height_and_width(resolution) if resolution else files.common_size(path, used)
    channels = 1 if all(header.grey for header in used.values()) else 3
    _say(path, found, left, sum(header.animated for header in used.values()))

    def of(split, heldout):
        rows = found.splits[split]

        def read(at):
            chosen = [os.path.join(path, found.names[row]) for row in rows[at]]
            images = np.stack([files.fitted(file, size, channels, background) for file in chosen])
            return {"real": images, **({"label": found.labels[rows[at]]} if found.classes else {})}

        name = path if split == "train" else f"{path}, {split}"
        return of_images(
            name,
            len(rows),
            (*size, channels),
            found.classes,
            read,
            heldout=heldout,
            identity=f"names of files {listing.digest(found)}",
        )

    rest = found.heldout if split == "train" else ""
    return of(split, lambda: of(rest, lambda: None) if rest else None)


def _without_corrupt(path, headers, left):
    """Headers of the images without a flaw, and what is left out with the others."""
    sound = {name: header for name, header in headers.items() if not header.flaw}
    corrupt = [name for name in headers if name not in sound]
    if not sound:
        raise UsageError(f"{path}: all {len(headers)} images are corrupt, {corrupt[0]} the first of them")
    return sound, left | ({"corrupt": corrupt} if corrupt else {})


def _say(path, found, left, animated):
    """Logs what the folder holds, as a warning if images are left out."""
    first = f"; {animated:,} are animated, the first frame counts" if animated else ""
    said = listing.line(path, found, left) + first
    log.log(logging.WARNING if found.left_out or "corrupt" in left else logging.INFO, "%s", said)
