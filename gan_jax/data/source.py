"""The record of a data set, Sources made from others, and resizing of images."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from PIL import Image, ImageOps

from gan_jax import modalities
from gan_jax.errors import UsageError
from gan_jax.types import Modality

# Rows read at a time in search of labels.
READ = 256


class Source(NamedTuple):
    """A data set: rows that can be read by number, and a description of them.

    Attributes:
        name: A name for people.
        size: Number of rows.
        spec: Shape and dtype of one row as stored, by name. `real` is the entry that a game learns to
            generate; `label`, int32 [], is its class; others are conditions, such as `source` or `mask`.
        facts: Facts that people and networks may ask for: `modality`, the name of a function of
            `gan_jax.modalities` or a dotted path; `class_names` if there are labels; whatever the
            modality needs, such as a sample rate.
        read: Function from row numbers, int [N], to a dict of arrays [N, *shape] by the names of the spec.
            Called from several threads at once.
        heldout: Function without arguments that returns the Source of rows that training never sees, or None.
        classifier: Function without arguments that returns Features that know the classes; None if such a
            classifier must be trained.
    """

    name: str
    size: int
    spec: dict[str, jax.ShapeDtypeStruct]
    facts: dict[str, Any]
    read: Callable[[np.ndarray], dict[str, np.ndarray]]
    heldout: Callable[[], "Source | None"] = lambda: None
    classifier: Callable[[], Any] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty without labels."""
        return tuple(self.facts.get("class_names", ()))

    @property
    def modality(self) -> Modality:
        """How the rows are decoded, encoded and shown."""
        return modalities.bound(self.spec, self.facts)


def row(shape: Sequence[int], dtype: Any) -> jax.ShapeDtypeStruct:
    """An entry of a spec.

    Args:
        shape: Shape of one row's entry.
        dtype: Its type as stored.

    Returns:
        The entry.
    """
    return jax.ShapeDtypeStruct(tuple(int(side) for side in shape), np.dtype(dtype))


def of_images(
    name: str,
    size: int,
    shape: Sequence[int],
    classes: Sequence[str],
    read: Callable[[np.ndarray], dict[str, np.ndarray]],
    **options: Any,
) -> Source:
    """A Source of images, and of labels if there are classes.

    Args:
        name: A name for people.
        size: Number of rows.
        shape: Height, width and channels of every image.
        classes: Names of the classes; empty without labels.
        read: Function from row numbers, int [N], to `real`, uint8 [N, H, W, C], and `label`, int32 [N], if
            there are classes.
        **options: More attributes of the Source.

    Returns:
        The Source.
    """
    spec = {"real": row(shape, np.uint8), **({"label": row((), np.int32)} if classes else {})}
    return Source(name, size, spec, {"modality": "images", "class_names": tuple(classes)}, read, **options)


def without_labels(source: Source) -> Source:
    """The same rows without their classes.

    Args:
        source: The Source.

    Returns:
        A Source whose rows have no `label`.
    """
    spec = {name: entry for name, entry in source.spec.items() if name != "label"}
    return source._replace(
        spec=spec,
        facts={**source.facts, "class_names": ()},
        read=lambda rows: {name: array for name, array in source.read(rows).items() if name in spec},
    )


def subset(source: Source, rows: np.ndarray) -> Source:
    """Some rows of a Source as a Source.

    Args:
        source: The Source.
        rows: Row numbers, int [N].

    Returns:
        A Source of N rows, without held-out images of its own.
    """
    name = f"{len(rows)} of {source.size} {source.modality.unit} of {source.name}"
    return source._replace(
        name=name, size=len(rows), read=lambda at: source.read(rows[at]), heldout=lambda: None
    )


def per_class(source: Source, count: int) -> Source:
    """The first rows of each class in a fixed random order; the held-out rows stay as they are.

    The rows for a smaller count are among those for a larger count.

    Args:
        source: The Source.
        count: Rows of each class, at least 1.

    Returns:
        A Source of `count` rows of each class.

    Raises:
        UsageError: The data has no labels, or too few rows of a class.
    """
    wanted = f"{count} {source.modality.unit} of each class of {source.name}"
    if not source.classes:
        raise UsageError(f"{wanted}: the data has no labels")
    order = np.random.default_rng(0).permutation(source.size)
    first_labels = _labels_until(source, order, count)
    places = [np.flatnonzero(first_labels == label)[:count] for label in range(len(source.classes))]
    for name, rows in zip(source.classes, places):
        if len(rows) < count:
            raise UsageError(f"{wanted}: there are only {len(rows)} of the class {name!r}")
    few = subset(source, np.sort(order[np.concatenate(places)]))
    return few._replace(name=wanted, heldout=source.heldout)


def _labels_until(source, order, count):
    """Labels in an order of rows, until every class has `count` rows, or to the end."""
    parts, counts = [], np.zeros(len(source.classes), int)
    for start in range(0, source.size, READ):
        labels = source.read(order[start : start + READ])["label"]
        parts.append(labels)
        counts += np.bincount(labels[labels >= 0], minlength=len(counts))  # TFDS writes -1 for unknown.
        if np.min(counts) >= count:
            break
    return np.concatenate(parts)


def labels(source: Source, rows: np.ndarray) -> np.ndarray:
    """Classes of some rows; only labels are kept in memory.

    Args:
        source: A Source with classes.
        rows: Row numbers, int [N].

    Returns:
        int32 [N].
    """
    parts = [source.read(rows[start : start + READ])["label"] for start in range(0, len(rows), READ)]
    return np.concatenate(parts)


def of_arrays(name: str, images: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Source:
    """Labelled images in memory as a Source.

    Args:
        name: A name for people.
        images: uint8 [N, H, W, C].
        labels: int [N].
        classes: Names of the classes.

    Returns:
        The Source, without held-out images.
    """
    images, labels = np.asarray(images), np.asarray(labels, np.int32)

    def read(rows):
        return {"real": images[rows], "label": labels[rows]}

    return of_images(name, len(images), images.shape[1:], classes, read)


def fit(image: Image.Image, resolution: tuple[int, int], channels: int) -> np.ndarray:
    """The largest central part of an image with the wanted aspect, resized with antialiasing.

    The image is first turned as its EXIF orientation says, as viewers show it.

    Args:
        image: PIL image.
        resolution: Height and width wanted, pixels.
        channels: 1 for grey, 3 for colour.

    Returns:
        uint8 [height, width, channels].
    """
    height, width = resolution
    image = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
    # The part is as wide as the image, or as high; its other side follows from the aspect.
    if image.width * height <= image.height * width:
        part = image.width, max(image.width * height // width, 1)
    else:
        part = max(image.height * width // height, 1), image.height
    left, top = (image.width - part[0]) // 2, (image.height - part[1]) // 2
    image = image.crop((left, top, left + part[0], top + part[1]))
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8).reshape(height, width, channels)
