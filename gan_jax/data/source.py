"""What a data set is to the rest of the code, and how an image comes to the size of a recipe."""

from typing import Callable, NamedTuple

import numpy as np
from PIL import Image


class Source(NamedTuple):
    """Images and labels by row.

    Attributes:
        name: What it is, for people.
        size: Number of rows.
        resolution: Height and width of every image, pixels.
        channels: 1 or 3.
        classes: Names of the classes; empty without labels.
        read: Function from row numbers, int [N], to a dict of `images`, uint8 [N, H, W, C], and `labels`,
            int32 [N], if there are classes. Called from several threads at once.
        heldout: Function of nothing to the Source of images that training never sees, or to None.
    """

    name: str
    size: int
    resolution: int
    channels: int
    classes: tuple
    read: Callable
    heldout: Callable = lambda: None


def facts(source):
    """What networks may ask about the data.

    Args:
        source: The Source.

    Returns:
        Dict of `resolution`, `channels` and the number of `classes`.
    """
    return {"resolution": source.resolution, "channels": source.channels, "classes": len(source.classes)}


def subset(source, rows):
    """Some rows of a Source as a Source.

    Args:
        source: The Source.
        rows: Row numbers, int [N].

    Returns:
        A Source of N rows, without held-out images of its own.
    """
    name = f"{len(rows)} of {source.size} images of {source.name}"
    return source._replace(
        name=name, size=len(rows), read=lambda at: source.read(rows[at]), heldout=lambda: None
    )


def fit(image, resolution, channels):
    """The largest central square of an image, resized with antialiasing.

    Args:
        image: PIL image.
        resolution: Height and width wanted, pixels.
        channels: 1 for grey, 3 for colour.

    Returns:
        uint8 [resolution, resolution, channels].
    """
    image = image.convert("L" if channels == 1 else "RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    if side != resolution:
        image = image.resize((resolution, resolution), Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8).reshape(resolution, resolution, channels)
