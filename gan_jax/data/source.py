"""What a data set is to the rest of the code, and how an image comes to the size of a recipe."""

from typing import Callable, NamedTuple

import numpy as np
from PIL import Image

from gan_jax.errors import UsageError

# Rows read at a time in search of labels.
READ = 256


class Source(NamedTuple):
    """Images, or what else there is of equal shape, and labels by row.

    Attributes:
        name: What it is, for people.
        size: Number of rows.
        resolution: Height and width of every image, pixels.
        channels: 1 or 3; of points, their coordinates.
        classes: Names of the classes; empty without labels.
        read: Function from row numbers, int [N], to a dict of `images`, uint8 [N, H, W, C], or float32
            as networks see them, and `labels`, int32 [N], if there are classes. Called from several threads
            at once.
        heldout: Function of nothing to the Source of images that training never sees, or to None.
        kind: Name of a function of `gan_jax.modalities`, or a dotted path.
        classifier: Function of nothing to Features that know the classes; None where one must be trained.
    """

    name: str
    size: int
    resolution: int
    channels: int
    classes: tuple
    read: Callable
    heldout: Callable = lambda: None
    kind: str = "images"
    classifier: Callable | None = None


def facts(source):
    """What networks may ask about the data.

    Args:
        source: The Source.

    Returns:
        Dict of `resolution`, `channels`, the number of `classes`, and the `kind`.
    """
    return {
        "resolution": source.resolution,
        "channels": source.channels,
        "classes": len(source.classes),
        "kind": source.kind,
    }


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


def per_class(source, count):
    """The first images of each class in an order drawn once and for all; the held-out ones stay as they are.

    Fewer images of a class are among more of them.

    Args:
        source: The Source.
        count: Images of each class, at least 1.

    Returns:
        A Source of `count` images of each class.

    Raises:
        UsageError: The data has no labels, or too few images of a class.
    """
    wanted = f"{count} images of each class of {source.name}"
    if not source.classes:
        raise UsageError(f"{wanted}: the data has no labels")
    order = np.random.default_rng(0).permutation(source.size)
    seen = _labels_until(source, order, count)
    places = [np.flatnonzero(seen == label)[:count] for label in range(len(source.classes))]
    for name, found in zip(source.classes, places):
        if len(found) < count:
            raise UsageError(f"{wanted}: there are only {len(found)} of the class {name!r}")
    few = subset(source, np.sort(order[np.concatenate(places)]))
    return few._replace(name=wanted, heldout=source.heldout)


def _labels_until(source, order, count):
    """Labels in an order of rows, as far as it takes to see so many of every class, or to the end."""
    seen, counts = [], np.zeros(len(source.classes), int)
    for start in range(0, source.size, READ):
        labels = source.read(order[start : start + READ])["labels"]
        seen.append(labels)
        counts += np.bincount(labels[labels >= 0], minlength=len(counts))  # TFDS writes -1 for unknown.
        if np.min(counts) >= count:
            break
    return np.concatenate(seen)


def labels(source, rows):
    """Classes of some rows, of which nothing else is kept.

    Args:
        source: A Source with classes.
        rows: Row numbers, int [N].

    Returns:
        int32 [N].
    """
    parts = [source.read(rows[start : start + READ])["labels"] for start in range(0, len(rows), READ)]
    return np.concatenate(parts)


def of_arrays(name, images, labels, classes):
    """Labelled images in memory as a Source.

    Args:
        name: What they are, for people.
        images: uint8 [N, H, H, C].
        labels: int [N].
        classes: Names of the classes.

    Returns:
        The Source, without held-out images.
    """
    images, labels = np.asarray(images), np.asarray(labels, np.int32)
    count, resolution, _, channels = images.shape

    def read(rows):
        return {"images": images[rows], "labels": labels[rows]}

    return Source(name, count, resolution, channels, tuple(classes), read)


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
