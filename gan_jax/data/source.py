"""The record of a data set, and Sources made from others."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax import modalities
from gan_jax.errors import UsageError
from gan_jax.types import Modality

log = logging.getLogger("gan_jax")

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
            `gan_jax.modalities` or a dotted path; `class_names` if there are labels; `paired`, which rows'
            `source` and `real` belong together: `all`, `heldout` or none; `label_of`, which of the two `label`
            is the class of: `real`, `source` or `both`; whatever the modality needs, such as a sample rate.
        read: Function from row numbers, int [N], to a dict of arrays [N, *shape] by the names of the spec.
            Called from several threads at once.
        heldout: Function without arguments that returns the Source of rows that training never sees, or None.
        classifier: Function without arguments that returns Features that know the classes; None if such a
            classifier must be trained.
        identity: What tells these rows from others of the same number, such as a digest of the names of
            files; empty if a recipe determines them.
        parts: The Sources from which training draws, each in an order of its own; their entries together are
            a row, from which `build.decoder` makes one like those of `read` at random: cropped, mirrored,
            degraded. Empty for a data set that is trained on as it is. `read` gives the fixed rows of
            evaluations and grids.
    """

    name: str
    size: int
    spec: dict[str, jax.ShapeDtypeStruct]
    facts: dict[str, Any]
    read: Callable[[np.ndarray], dict[str, np.ndarray]]
    heldout: Callable[[], "Source | None"] = lambda: None
    classifier: Callable[[], Any] | None = None
    identity: str = ""
    parts: "tuple[Source, ...]" = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty without labels."""
        return tuple(self.facts.get("class_names", ()))

    @property
    def label_of(self) -> tuple[str, ...]:
        """The entries whose class `label` is; of a pair it is that of both, unless the facts say otherwise."""
        usual = "both" if self.facts.get("paired", "all") == "all" else "real"
        of = self.facts.get("label_of", usual)
        return ("real", "source") if of == "both" else (of,)

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


def checked(source: Source) -> Source:
    """The same rows; reading one whose label is not among the classes is an error.

    JAX would take the last class for a label of -1, which some data sets write for rows without one.

    Args:
        source: The Source.

    Returns:
        A Source whose `read`, and that of its held-out rows, raises a UsageError at such a row.
    """
    if not source.classes:
        return source

    def read(rows):
        arrays = source.read(rows)
        known = np.asarray(arrays["label"])
        wrong = np.flatnonzero((known < 0) | (known >= len(source.classes)))
        if len(wrong):
            raise UsageError(
                f"{source.name}: row {rows[wrong[0]]} has the label {known[wrong[0]]}, expected 0 to "
                f"{len(source.classes) - 1}; give labelled rows, or data without classes"
            )
        return arrays

    def heldout():
        other = source.heldout()
        return other and checked(other)

    return source._replace(read=read, heldout=heldout)


def labelled(source: Source, labels_of: Callable[[np.ndarray], np.ndarray]) -> Source:
    """The rows that have a label; all of them, without classes, if none has. Logs what is left out, once.

    A few hundred rows tell if labels of -1 occur; only then are all labels read.

    Args:
        source: A Source with classes, whose rows without a label have -1.
        labels_of: Function from row numbers, int [N], to labels int [N].

    Returns:
        A Source.
    """
    some = np.unique(np.linspace(0, source.size - 1, min(source.size, READ)).astype(int))
    few = np.asarray(labels_of(some))
    if np.all(few >= 0):
        return source
    starts = range(0, source.size if np.any(few >= 0) else 0, READ)
    parts = [labels_of(np.arange(start, min(start + READ, source.size))) for start in starts]
    kept = np.flatnonzero(np.concatenate([np.zeros(0, int), *parts]) >= 0)
    if not len(kept):
        log.info("%s: its rows have no labels (-1), so it has no classes", source.name)
        return without_labels(source)
    log.warning(
        "%s: left out %d of %d rows, which have no label (-1); data.classes=False keeps all, without classes",
        source.name, source.size - len(kept), source.size,
    )  # fmt: skip
    return subset(source, kept)._replace(heldout=source.heldout)


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
        name=name, size=len(rows), read=lambda at: source.read(rows[at]), heldout=lambda: None, parts=()
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
        UsageError: The data has no labels, or too few rows of a class, or several parts.
    """
    wanted = f"{count} {source.modality.unit} of each class of {source.name}"
    if len(source.parts) > 1:
        raise UsageError(f"{wanted}: its domains are drawn in orders of their own, so there are no such rows")
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
