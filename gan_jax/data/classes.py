"""Classes by name: where two labelled sets meet, equal names are equal classes, whatever their numbers."""

from collections.abc import Sequence

import numpy as np

from gan_jax.data.source import Source, labels
from gan_jax.errors import UsageError, unknown

# Names in a message.
SHOWN = 12


def aligned(source: Source, classes: Sequence[str], other: str) -> Source:
    """The same rows, and the same held-out rows, with their classes numbered as in another list of names.

    Args:
        source: The Source; without classes it stays as it is.
        classes: Names of all classes, in the order of the new numbers; empty to keep the source's own.
        other: The set that has these classes, for messages.

    Returns:
        A Source whose classes are these. Unknown labels, -1, stay as they are.

    Raises:
        UsageError: No class is in both, or rows are of a class that is not among these.
    """
    if not source.classes or not classes:
        return source
    own, names = source.classes, tuple(classes)

    def heldout():
        rows = source.heldout()
        return rows and aligned(rows, names, other)

    if own == names:
        return source._replace(heldout=heldout)
    _check(source, names, other)
    number = {name: label for label, name in enumerate(names)}
    numbers = np.asarray([number.get(name, -1) for name in own], np.int32)

    def read(rows):
        entries = source.read(rows)
        return {
            **entries,
            "label": np.where(entries["label"] < 0, entries["label"], numbers[entries["label"]]),
        }

    facts = {**source.facts, "class_names": names}
    # A classifier of its own would have the old numbers.
    return source._replace(facts=facts, read=read, heldout=heldout, classifier=None)


def _check(source, names, other):
    """Every row must be of one of the classes."""
    strange = [label for label, name in enumerate(source.classes) if name not in names]
    if len(strange) == len(source.classes):
        raise UsageError(
            f"{source.name} and {other} have no class in common, and classes are matched by name: "
            f"{listed(source.classes)} against {listed(names)}"
        )
    if not strange:
        return
    occurring = np.intersect1d(strange, labels(source, np.arange(source.size)))
    if len(occurring):
        of_these = listed([source.classes[label] for label in occurring])
        raise UsageError(
            f"{source.name} has classes that {other} has not: {of_these}; it has {listed(names)}"
        )


def heldout(source: Source) -> Source | None:
    """The held-out rows of a set, with their classes numbered as in the set; None without such rows.

    Args:
        source: The Source.

    Returns:
        A Source or None.

    Raises:
        UsageError: Held-out rows are of a class that the set does not have.
    """
    return aligned(source, source.classes, source.name).heldout()


def lacking(source: Source, classes: Sequence[str]) -> list[str]:
    """The classes that a labelled set does not know; none if the set has no labels.

    Args:
        source: The Source, as it came.
        classes: Names of the classes that it should have.

    Returns:
        The names.
    """
    return [name for name in classes if source.classes and name not in source.classes]


def numbers(asked: Sequence[int | str], classes: Sequence[str]) -> tuple[int, ...]:
    """Numbers of classes from what a person calls them.

    A string is first of all a name, also where the name is a number: of the classes `1`, `2` and `3`, `"1"`
    is the first, number 0. A string that is no name and an int are the number itself.

    Args:
        asked: Names and numbers.
        classes: Names of all classes.

    Returns:
        The numbers.

    Raises:
        UsageError: There is no such class.
    """
    known = {name: label for label, name in enumerate(classes)}
    strange = [label for label in asked if label not in known and not _is_whole(label)]
    if strange:
        raise unknown("labels", strange[0], known)
    found = tuple(known[label] if label in known else int(label) for label in asked)
    if any(not 0 <= label < len(known) for label in found):
        raise UsageError(
            f"labels={','.join(map(str, asked))}: expected 0 to {len(known) - 1}, or names: "
            f"{listed(list(known))}"
        )
    return found


def _is_whole(label):
    return isinstance(label, (int, np.integer)) or label.isdecimal()


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first few of many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
